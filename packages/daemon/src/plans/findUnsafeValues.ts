import type { PlanPath } from './planReader.js';
import { isUnsafeText } from './sanitiseText.js';
import { nestingMax } from './scanJson.js';

export interface UnsafeValue {
  readonly kind: 'forbiddenKey' | 'depth' | 'number' | 'text';
  readonly path: PlanPath;
}

/**
 * Walks a parsed value for what must not go further: the key `__proto__`, nesting beyond 100,
 * numbers that JSON can't keep exactly, and NUL or half characters in keys and texts. Iterative; visits what YAML aliases share once.
 */
export function findUnsafeValues(root: unknown): UnsafeValue[] {
  const found: UnsafeValue[] = [];
  const seen = new Set<object>();
  const stack: { value: unknown; path: PathNode | null; depth: number }[] = [
    { value: root, path: null, depth: 0 },
  ];
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    const { value, path, depth } = entry;
    if (typeof value === 'number' && isImprecise(value)) found.push({ kind: 'number', path: toPath(path) });
    if (typeof value === 'string' && isUnsafeText(value)) found.push({ kind: 'text', path: toPath(path) });
    if (typeof value !== 'object' || value === null || seen.has(value)) continue;
    if (depth === nestingMax) {
      found.push({ kind: 'depth', path: toPath(path) });
      continue;
    }
    seen.add(value);
    if (Array.isArray(value)) {
      for (const [step, child] of value.entries()) {
        if (needsVisit(child)) stack.push({ value: child, path: { step, up: path }, depth: depth + 1 });
      }
      continue;
    }
    for (const [step, child] of Object.entries(value)) {
      const at = { step, up: path };
      if (isUnsafeText(step)) found.push({ kind: 'text', path: toPath(at) });
      if (step === '__proto__') found.push({ kind: 'forbiddenKey', path: toPath(at) });
      if (needsVisit(child)) stack.push({ value: child, path: at, depth: depth + 1 });
    }
  }
  return found;
}

interface PathNode {
  readonly step: string | number;
  readonly up: PathNode | null;
}

function needsVisit(value: unknown): boolean {
  return (
    typeof value === 'number' || typeof value === 'string' || (typeof value === 'object' && value !== null)
  );
}

function isImprecise(value: number): boolean {
  return !Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value));
}

function toPath(node: PathNode | null): PlanPath {
  const path: (string | number)[] = [];
  for (let at = node; at !== null; at = at.up) path.push(at.step);
  return path.reverse();
}

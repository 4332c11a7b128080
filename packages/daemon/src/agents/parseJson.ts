import type { JsonValue } from './agentAdapter.js';

/** Deeper than anything sensible, and far from what a recursive reader can't take. */
const DEPTH_MAX = 64;

export type ParsedJson =
  | { readonly ok: true; readonly value: JsonValue }
  | { readonly ok: false; readonly problem: string };

/**
 * Reads JSON that somebody else wrote. Refused, besides what is no JSON: nesting deeper than 64, numbers too
 * large to be finite, and the key `__proto__`, which would change how objects made from it behave.
 */
export function parseJson(text: string): ParsedJson {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : String(error) };
  }
  const problem = findProblem(value, 0);
  return problem === null ? { ok: true, value: value as JsonValue } : { ok: false, problem };
}

export type JsonObject = { readonly [key: string]: JsonValue };

/** The same value with every string in it, keys included, passed through `clean`. */
export function mapStrings(value: JsonObject, clean: (text: string) => string): JsonObject;
export function mapStrings(value: JsonValue, clean: (text: string) => string): JsonValue;
export function mapStrings(value: JsonValue | JsonObject, clean: (text: string) => string): JsonValue {
  if (typeof value === 'string') return clean(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, clean));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value)
        .map(([key, item]) => [clean(key), mapStrings(item, clean)] as const)
        // Cleaning can lay bare what was refused before, as a NUL in its middle hid it.
        .filter(([key]) => key !== '__proto__'),
    );
  }
  return value;
}

function findProblem(value: unknown, depth: number): string | null {
  if (typeof value === 'number') return Number.isFinite(value) ? null : 'a number is too large';
  if (value === null || typeof value !== 'object') return null;
  if (depth >= DEPTH_MAX) return `it is nested deeper than ${DEPTH_MAX} levels`;
  if (Object.hasOwn(value, '__proto__')) return 'the key "__proto__" is not allowed';
  for (const item of Object.values(value)) {
    const problem = findProblem(item, depth + 1);
    if (problem !== null) return problem;
  }
  return null;
}

import { createLineIndex } from './lineIndex.js';
import { listJsonElements, locateInJson } from './locateInJson.js';
import type { PlanPosition } from './planProblem.js';
import type { PlanPath, PlanText } from './planReader.js';
import type { ProblemLog } from './problemLog.js';
import { scanJson } from './scanJson.js';
import type { StructuredDocument } from './structuredDocument.js';

/** Parses a JSON file. Returns null when it isn't JSON; then an error with its place was logged. */
export function parseJsonDocument({ file, text }: PlanText, log: ProblemLog): StructuredDocument | null {
  const lineIndex = createLineIndex(text);
  const positionOf = (offset: number): PlanPosition => ({ file, ...lineIndex(offset) });

  const scan = scanJson(text);
  for (const { key, offset } of scan.duplicateKeys) {
    log.add(
      'KEY_DUPLICATE',
      positionOf(offset),
      `The key ${JSON.stringify(key)} stands twice in one object; remove one.`,
    );
  }
  if (scan.fault !== null) {
    const { kind, offset, message } = scan.fault;
    if (kind === 'depth') log.add('NESTING_TOO_DEEP', positionOf(offset), `Here ${message}; flatten it.`);
    else log.add('SYNTAX_INVALID', positionOf(offset), `${file} is not valid JSON: ${message}.`);
    return null;
  }

  const value: unknown = JSON.parse(text);
  const find = createElementFinder(text);
  return { value, locate: (path) => positionOf(find(path)) };
}

/** Remembers where the elements of each list start: asking for each of them must not scan the list each time. */
function createElementFinder(text: string): (path: PlanPath) => number {
  const offsetsOf = new Map<string, readonly number[]>();
  return (path) => {
    let start: number | undefined;
    let done = 0;
    for (const [step, key] of path.entries()) {
      if (typeof key !== 'number') continue;
      const list = JSON.stringify(path.slice(0, step));
      const offsets = offsetsOf.get(list) ?? listJsonElements(text, path.slice(done, step), start);
      offsetsOf.set(list, offsets);
      const element = offsets[key];
      if (element === undefined) return locateInJson(text, path.slice(done, step), start);
      start = element;
      done = step + 1;
    }
    return locateInJson(text, path.slice(done), start);
  };
}

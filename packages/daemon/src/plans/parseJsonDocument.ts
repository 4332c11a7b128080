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
  const elementOffsets = new Map<string, number[]>();
  const locate = (path: PlanPath): PlanPosition => {
    const [list, index, ...rest] = path;
    if (typeof list !== 'string' || typeof index !== 'number') return positionOf(locateInJson(text, path));
    let offsets = elementOffsets.get(list);
    if (offsets === undefined) {
      offsets = listJsonElements(text, [list]);
      elementOffsets.set(list, offsets);
    }
    const start = offsets[index];
    return positionOf(start === undefined ? locateInJson(text, [list]) : locateInJson(text, rest, start));
  };
  return { value, locate };
}

import { findUnsafeValues } from '../findUnsafeValues.js';
import type { ProblemLog } from '../problemLog.js';
import { sanitiseValue } from '../sanitiseValue.js';
import type { StructuredDocument } from '../structuredDocument.js';

/**
 * Makes a parsed value of another system harmless, in place, and reports what was wrong with it. Returns false when
 * it is nested too deep to go further, or holds itself.
 */
export function cleanForeignValue(
  value: Record<string, unknown>,
  locate: StructuredDocument['locate'],
  log: ProblemLog,
): boolean {
  const unsafe = findUnsafeValues(value);
  for (const { kind, path } of unsafe) {
    switch (kind) {
      case 'depth':
        log.add('NESTING_TOO_DEEP', locate(path), 'Here values are nested more than 100 deep; flatten them.');
        break;
      case 'number':
        log.add('NUMBER_IMPRECISE', locate(path), 'This number can not be kept exactly; put it in quotes.');
        break;
      case 'text':
        log.add('TEXT_SANITISED', locate(path), 'NUL or half characters here were replaced by U+FFFD.');
        break;
      case 'forbiddenKey':
        log.add('ROW_KEY_DROPPED', locate(path), 'A key named __proto__ was left out; rename it.');
        break;
    }
  }
  if (unsafe.some(({ kind }) => kind === 'depth')) return false;
  if (holdsItself(value)) {
    log.add(
      'ALIASES_EXCESSIVE',
      locate([]),
      'An alias here leads back into what it stands in; write the values out.',
    );
    return false;
  }
  if (unsafe.some(({ kind }) => kind !== 'number')) sanitiseValue(value);
  return true;
}

/** Only YAML aliases can make such values, and then they can't be kept as JSON. */
function holdsItself(value: Record<string, unknown>): boolean {
  try {
    JSON.stringify(value);
    return false;
  } catch {
    // Parsed values hold nothing else that JSON refuses.
    return true;
  }
}

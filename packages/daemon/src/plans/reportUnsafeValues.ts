import { findUnsafeValues, type UnsafeValue } from './findUnsafeValues.js';
import type { PlanProblemCode } from './problemCodes.js';
import type { ProblemLog } from './problemLog.js';
import type { StructuredDocument } from './structuredDocument.js';

const problems: Record<UnsafeValue['kind'], { code: PlanProblemCode; message: string }> = {
  forbiddenKey: { code: 'KEY_FORBIDDEN', message: 'A key named __proto__ is not allowed; rename it.' },
  depth: { code: 'NESTING_TOO_DEEP', message: 'Here values are nested more than 100 deep; flatten them.' },
  number: { code: 'NUMBER_IMPRECISE', message: 'This number can not be kept exactly; put it in quotes.' },
  text: { code: 'FIELD_INVALID', message: 'This text holds a NUL or half of a character; remove it.' },
};

/** Reports everything in a parsed value that must not go further, and says whether there is any. */
export function reportUnsafeValues(
  value: unknown,
  locate: StructuredDocument['locate'],
  log: ProblemLog,
): boolean {
  const unsafe = findUnsafeValues(value);
  for (const { kind, path } of unsafe) log.add(problems[kind].code, locate(path), problems[kind].message);
  return unsafe.length > 0;
}

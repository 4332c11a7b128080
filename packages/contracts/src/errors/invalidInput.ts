import type { z } from 'zod';
import { NeolithError } from './neolithError.js';

/** INVALID_INPUT from a failed parse: the message says what is wrong where, `errors` names each field by its path. */
export function invalidInput(
  subject: string,
  error: z.ZodError,
  prefix: readonly PropertyKey[] = [],
): NeolithError {
  const errors = error.issues.slice(0, 50).map((issue) => ({
    path: [...prefix, ...issue.path].map(String).join('.'),
    message:
      issue.code === 'unrecognized_keys'
        ? `unknown field ${issue.keys.map((key) => `"${key}"`).join(', ')}`
        : issue.message,
  }));
  const summary = errors
    .slice(0, 5)
    .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  const rest = errors.length > 5 ? `; and ${errors.length - 5} more` : '';
  return new NeolithError('INVALID_INPUT', `${subject} is not valid: ${summary.join('; ')}${rest}`, {
    details: { errors },
    cause: error,
  });
}

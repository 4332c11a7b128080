import { z } from 'zod';
import { ERROR_CODES, ERROR_STATUS } from './codes.js';
import type { NeolithError } from './neolithError.js';

/** RFC 9457 problem details with our stable `code`; `errors` names the fields of an invalid input. */
export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    code: z.enum(ERROR_CODES),
    detail: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    details: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'Problem' });

export type Problem = z.infer<typeof problemSchema>;

/** `TASK_NOT_FOUND` → `Task not found`. */
function titleOf(code: string): string {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function toProblem(error: NeolithError): Problem {
  const { errors, ...details } = error.details as { errors?: Problem['errors'] };
  return {
    type: `urn:neolith:problem:${error.code.toLowerCase().replaceAll('_', '-')}`,
    title: titleOf(error.code),
    status: ERROR_STATUS[error.code],
    code: error.code,
    detail: error.message,
    ...(errors === undefined ? {} : { errors }),
    ...(Object.keys(details).length === 0 ? {} : { details }),
  };
}

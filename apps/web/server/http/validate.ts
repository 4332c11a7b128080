import { NeolithError } from '@neolith/contracts';
import { z } from 'zod';

const MAX_ERRORS = 50;
const MAX_PATH = 200;

export interface FieldError {
  path: string;
  message: string;
}

function fieldErrors(error: z.ZodError, prefix: string): FieldError[] {
  const found: FieldError[] = [];
  for (const issue of error.issues) {
    const path = [prefix, ...issue.path.map(String)].filter((part) => part !== '');
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) {
        found.push({ path: [...path, key].join('.'), message: 'is not a known field' });
      }
    } else {
      found.push({ path: path.join('.'), message: issue.message });
    }
    if (found.length >= MAX_ERRORS) break;
  }
  return found
    .slice(0, MAX_ERRORS)
    .map(({ path, message }) => ({ path: path.slice(0, MAX_PATH), message: message.slice(0, 500) }));
}

function refuse(errors: FieldError[]): never {
  const first = errors[0];
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  throw new NeolithError(
    'INVALID_INPUT',
    first === undefined ? 'The input is not valid.' : `${first.path || 'body'}: ${first.message}${more}`,
    { details: { errors } },
  );
}

/** @throws NeolithError `INVALID_INPUT` whose `errors` name each field, prefixed with `prefix` where that is not empty */
export function validate<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  prefix = '',
): z.output<Schema> {
  const result = z.safeParse(schema, value);
  return result.success ? result.data : refuse(fieldErrors(result.error, prefix));
}

/**
 * The fields of a query string. A field given twice is refused, like one with a NUL character, which PostgreSQL
 * can't hold.
 *
 * @throws NeolithError `INVALID_INPUT`
 */
export function queryFields(query: URLSearchParams): Record<string, string> {
  const fields: Record<string, string> = Object.create(null);
  for (const [name, value] of query) {
    const path = `query.${name}`.slice(0, MAX_PATH);
    if (name in fields) refuse([{ path, message: 'is given twice' }]);
    if (value.includes('\0')) refuse([{ path, message: 'must not contain NUL characters' }]);
    fields[name] = value;
  }
  return fields;
}

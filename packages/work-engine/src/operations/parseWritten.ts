import { invalidInput } from '@neolith/contracts';

/** A schema of the contracts, as far as it is needed here. */
interface Schema<Output> {
  safeParse(
    value: unknown,
  ): { success: true; data: Output } | { success: false; error: Parameters<typeof invalidInput>[1] };
}

/**
 * Checks an input given in code by the rules of the API: dates are `Date`s here, and a field that is `undefined` is
 * left out. Errors: INVALID_INPUT, naming each field under `prefix`.
 */
export function parseWritten<Output>(
  schema: Schema<Output>,
  input: object,
  subject: string,
  prefix: readonly PropertyKey[] = [],
): Output {
  const written = Object.fromEntries(
    Object.entries(input)
      .filter(([, value]) => value !== undefined)
      .map(([field, value]) => [field, value instanceof Date ? writeDate(value) : value]),
  );
  const result = schema.safeParse(written);
  if (result.success) return result.data;
  throw invalidInput(subject, result.error, prefix);
}

function writeDate(date: Date): string {
  return Number.isNaN(date.getTime()) ? 'invalid date' : date.toISOString();
}

const charsMax = 60;

/** A value from outside as it may stand in a message: short, and never by calling a method of the value itself. */
export function showValue(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  // JSON.stringify knows no undefined, functions and symbols.
  const text =
    JSON.stringify(typeof value === 'bigint' ? Number(value) : value) ?? `a value of type ${typeof value}`;
  return text.length <= charsMax ? text : `${text.slice(0, charsMax).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

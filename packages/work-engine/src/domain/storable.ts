import { type Json, NeolithError } from '@neolith/contracts';

const REPLACEMENT = '\uFFFD';

/** Text that the database can hold: NUL characters and lone surrogates become U+FFFD. What an agent printed is kept as well as it can be. */
export function storableText(text: string): string {
  return text.replaceAll('\0', REPLACEMENT).toWellFormed();
}

/** The longest beginning of a text that has at most so many bytes in UTF-8, whole characters only. */
export function cutToBytes(text: string, maxBytes: number): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= maxBytes) return text;
  let end = maxBytes;
  // A byte of the form 10xxxxxx continues the character before it.
  while (end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end -= 1;
  return new TextDecoder().decode(bytes.subarray(0, end));
}

/**
 * A value as JSON writes it (dates as text, what JSON has no word for left out), its texts and keys storable.
 * Errors: INVALID_INPUT, naming `field`, where JSON can't write it: circular, or a bigint.
 */
export function storableJson(value: unknown, field: string): Json | undefined {
  let written: string | undefined;
  try {
    written = JSON.stringify(value);
  } catch (cause) {
    const message = `can not be written as JSON: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new NeolithError('INVALID_INPUT', `${field} ${message}`, {
      details: { errors: [{ path: field, message }] },
      cause,
    });
  }
  if (written === undefined) return undefined;
  const json = JSON.parse(written) as Json;
  // Well-formed JSON.stringify escapes both, and nothing else begins so.
  return /\\u(0000|d[89a-f])/i.test(written) ? clean(json) : json;
}

function clean(value: Json): Json {
  if (typeof value === 'string') return storableText(value);
  if (Array.isArray(value)) return value.map(clean);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [storableText(key), clean(inner)]));
}

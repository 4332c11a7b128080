import { z } from 'zod';

/** A point in time: ISO 8601 with an offset in JSON, a `Date` in code. Years 1970 to 9999. */
export const dateTimeSchema = z.codec(z.iso.datetime({ offset: true }), z.date(), {
  decode: (text, context) => {
    const date = new Date(text);
    if (Number.isNaN(date.getTime()) || date.getTime() < 0) {
      context.issues.push({ code: 'custom', message: 'must be a time from 1970 on', input: text });
      return z.NEVER;
    }
    return date;
  },
  encode: (date) => date.toISOString(),
});

/** Text that PostgreSQL and every screen can hold: no NUL, no lone surrogates. */
export function text(maxLength: number) {
  return z
    .string()
    .max(maxLength)
    .refine(
      (value) => !value.includes('\0') && value.isWellFormed(),
      'must not contain NUL characters or lone surrogates',
    );
}

export function nonEmptyText(maxLength: number) {
  return text(maxLength).refine((value) => value.trim().length > 0, 'must not be empty');
}

export const bytesOf = (value: string) => new TextEncoder().encode(value).length;

/** An escape of JSON's writer, not a text that speaks of one: before its backslash stand none or pairs of them. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/;
const safeJson = (value: unknown): boolean => !UNSTORABLE.test(JSON.stringify(value) ?? 'null');

/** Any JSON value that PostgreSQL's jsonb can hold. */
export const jsonSchema = z
  .json()
  .refine(safeJson, 'must not contain NUL characters or lone surrogates')
  .meta({ id: 'Json', description: 'Any JSON value.' });

export type Json = z.infer<typeof jsonSchema>;

/** A JSON object of at most 64 KB. */
export const metadataSchema = z
  .record(z.string().max(200), z.json())
  .refine(safeJson, 'must not contain NUL characters or lone surrogates')
  .refine((value) => bytesOf(JSON.stringify(value)) <= 65_536, 'must be at most 64 KB of JSON');

export const tagSchema = nonEmptyText(64).refine(
  (tag) => tag === tag.trim(),
  'must not begin or end with a space',
);

export const tagsSchema = z.array(tagSchema).max(50);

export const pageSizeSchema = z.coerce.number().int().min(1).max(500).default(50);

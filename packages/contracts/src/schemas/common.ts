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
const safeText = (json: string): boolean => !UNSTORABLE.test(json);
const safeJson = (value: unknown): boolean => safeText(JSON.stringify(value) ?? 'null');

/** Any JSON value that PostgreSQL's jsonb can hold. */
export const jsonSchema = z
  .json()
  .refine(safeJson, 'must not contain NUL characters or lone surrogates')
  .meta({ id: 'Json', description: 'Any JSON value.' });

export type Json = z.infer<typeof jsonSchema>;

/** Bytes of JSON that the output of a task may have: it goes into the context of each task that depends on this one. */
export const OUTPUT_BYTES_MAX = 2 * 1024 * 1024;

/** Any JSON value of at most 2 MB. Written out once for both rules, because each completion comes by here. */
export const outputSchema = z
  .json()
  .superRefine((value, context) => {
    const json = JSON.stringify(value) ?? 'null';
    if (!safeText(json)) {
      context.addIssue({ code: 'custom', message: 'must not contain NUL characters or lone surrogates' });
    }
    // A character has three bytes at most.
    if (json.length * 3 > OUTPUT_BYTES_MAX && bytesOf(json) > OUTPUT_BYTES_MAX) {
      context.addIssue({
        code: 'custom',
        message: 'must be at most 2 MB of JSON; give what is large as an artifact',
      });
    }
  })
  .meta({ id: 'Output', description: 'Any JSON value of at most 2 MB.' });

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

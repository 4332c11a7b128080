import { z } from 'zod';
import { bytesOf, dateTimeSchema } from './common.js';
import { attemptStatusSchema } from './vocabulary.js';

/** Kept of each attempt: the first half and the last half of so many bytes. */
export const ATTEMPT_LOG_BYTES_MAX = 5 * 1024 * 1024;
/** Text of one chunk, in UTF-8. */
export const LOG_CHUNK_BYTES_MAX = 512 * 1024;
export const LOG_CHUNK_ENTRIES_MAX = 2_000;

export const LOG_STREAMS = ['stdout', 'stderr'] as const;
export const logStreamSchema = z.enum(LOG_STREAMS);
export type LogStream = z.infer<typeof logStreamSchema>;

/** Whole lines of one stream, joined by line feeds, without a line break at the end. */
const logEntrySchema = z.object({ stream: logStreamSchema, text: z.string() });
export type LogEntry = z.infer<typeof logEntrySchema>;

/** What came of an attempt's output since the chunk before. NUL, escape sequences and lone surrogates are cleaned away, not refused. */
export const appendLogSchema = z
  .strictObject({
    /** Rises from 1 with each chunk. One that is not above the last one stored was stored before, and changes nothing. */
    sequence: z.number().int().min(1).max(2_147_483_647),
    entries: z
      .array(z.strictObject({ stream: logStreamSchema, text: z.string().max(LOG_CHUNK_BYTES_MAX) }))
      .max(LOG_CHUNK_ENTRIES_MAX)
      .refine(
        (entries) => entries.reduce((sum, { text }) => sum + bytesOf(text) + 1, 0) <= LOG_CHUNK_BYTES_MAX,
        'must be at most 512 KB of text',
      ),
    /** Bytes of output before this chunk that were dropped where the agent runs, because it printed too fast. */
    droppedBytes: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
    /** Nothing more will come. */
    last: z.boolean().default(false),
  })
  .meta({ id: 'AppendLog' });
export type AppendLog = z.output<typeof appendLogSchema>;
export type NewLogChunk = z.input<typeof appendLogSchema>;

export const logAppendedSchema = z
  .object({
    attemptId: z.string(),
    /** False where this chunk, or a later one, was stored before. */
    stored: z.boolean(),
    /** The last one stored. */
    sequence: z.number().int(),
  })
  .meta({ id: 'LogAppended' });
export type LogAppended = z.infer<typeof logAppendedSchema>;

const wholeNumber = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

/** Which part of a log: what comes after a chunk (default: from the beginning), or the last lines. */
export const logQuerySchema = z
  .strictObject({
    /** The `next` of the page before; 0: from the beginning. */
    after: wholeNumber(0, 2_147_483_647).optional(),
    /** So many lines from the end, and from there on. */
    tail: wholeNumber(0, 1_000_000).optional(),
    /** Chunks a page; a page also ends after a megabyte. Default 500. */
    limit: wholeNumber(1, 500).default(500),
    /** Where there is nothing yet: wait so many seconds for it. */
    waitSeconds: wholeNumber(0, 25).default(0),
  })
  .refine((query) => query.after === undefined || query.tail === undefined, {
    path: ['tail'],
    message: 'tail and after can not be given together',
  })
  .meta({ id: 'LogQuery' });
export type LogQuery = z.output<typeof logQuerySchema>;

export const logChunkSchema = z
  .object({
    sequence: z.number().int(),
    /** When it was stored. */
    at: dateTimeSchema,
    /** Bytes of output that are missing before this chunk; 0 where nothing is. */
    droppedBytes: z.number().int(),
    entries: z.array(logEntrySchema),
  })
  .meta({ id: 'LogChunk' });
export type LogChunk = z.infer<typeof logChunkSchema>;

export const logPageSchema = z
  .object({
    attemptId: z.string(),
    taskId: z.string(),
    /** Of the attempt. */
    status: attemptStatusSchema,
    chunks: z.array(logChunkSchema),
    /** Give it as `after` to read on. */
    next: z.number().int(),
    /** There is more to read at once. */
    more: z.boolean(),
    /** Nothing more will come than what can be read now. */
    complete: z.boolean(),
    /** Bytes of output that were stored, and that are missing in all, wherever they were dropped. */
    keptBytes: z.number().int(),
    droppedBytes: z.number().int(),
  })
  .meta({ id: 'LogPage' });
export type LogPage = z.infer<typeof logPageSchema>;

import { formatId, type LogChunk, type LogEntry, type LogPage, logQuerySchema } from '@neolith/contracts';
import type { EngineContext } from '../engineContext.js';
import { lookUntil } from '../events/lookUntil.js';
import { notFound, uuidOf } from '../ids.js';
import { type LogRow, readLogRows } from '../store/readLog.js';
import { toEngineError } from '../store/sql.js';
import { parseWritten } from './parseWritten.js';

const PAGE_BYTES = 1_048_576;
/** Of an attempt that has ended little is to come, if anything: nobody waits longer for it in one call. */
const LAST_WORDS_SECONDS = 5;

export interface LogRange {
  /** The `next` of the page before. Default 0: from the beginning. */
  after?: number | undefined;
  /** Instead: so many lines from the end, and from there on. */
  tail?: number | undefined;
  /** Chunks a page, at most 500 (the default). A page also ends after a megabyte. */
  limit?: number | undefined;
  /** Where there is nothing yet and more may come: wait so many seconds for it. Default 0, at most 25. */
  waitSeconds?: number | undefined;
  /** Ends the wait. */
  signal?: AbortSignal | undefined;
}

/**
 * What an attempt's agent printed, a page of it: head and tail, each chunk with what is missing before it. Waits where
 * asked to, until something comes or the attempt is over. Errors: ATTEMPT_NOT_FOUND, INVALID_INPUT.
 */
export async function readAttemptLog(
  engine: EngineContext,
  attemptId: string,
  range: LogRange = {},
): Promise<LogPage> {
  const uuid = uuidOf('attempt', attemptId);
  const { signal, ...written } = range;
  const { after, tail, limit, waitSeconds } = parseWritten(logQuerySchema, written, 'The part of the log');
  const from = { after: after ?? 0, tailLines: tail ?? null };
  const look = async (): Promise<LogPage> => {
    const rows = await readLogRows(engine.pool, {
      attemptId: uuid,
      workspaceId: engine.workspaceId,
      ...from,
      limit,
      pageBytes: PAGE_BYTES,
      now: engine.now(),
    }).catch((error: unknown) => {
      throw toEngineError(error);
    });
    const [first] = rows;
    if (first === undefined) throw notFound('attempt', attemptId);
    return toPage(uuid, first, rows);
  };
  const first = await look();
  if (isNews(first) || waitSeconds === 0) return first;
  const id = formatId('attempt', uuid);
  return lookUntil(engine, {
    look,
    // Its end is news as well.
    isThere: (page) => isNews(page) || page.status !== first.status,
    mayHelp: (event) => event.attemptId === id,
    alsoStirred: (stir) => engine.logs.listen(uuid, stir),
    waitSeconds: first.status === 'RUNNING' ? waitSeconds : Math.min(waitSeconds, LAST_WORDS_SECONDS),
    signal,
  });
}

function isNews(page: LogPage): boolean {
  return page.chunks.length > 0 || page.complete;
}

function toPage(uuid: string, first: LogRow, rows: readonly LogRow[]): LogPage {
  const chunks = rows.flatMap((row) => (row.seq === null ? [] : [toChunk(row)]));
  const opening = chunks[0];
  if (opening !== undefined && first.skip > 0) {
    chunks[0] = { ...opening, droppedBytes: 0, entries: skipLines(opening.entries, first.skip) };
  }
  return {
    attemptId: formatId('attempt', uuid),
    taskId: formatId('task', first.task_id),
    status: first.status,
    chunks,
    next: chunks.at(-1)?.sequence ?? first.after,
    more: first.more,
    complete: first.is_over || first.complete === true,
    keptBytes: first.kept_bytes ?? 0,
    droppedBytes: first.dropped_in_all ?? 0,
  };
}

function toChunk(row: LogRow): LogChunk {
  const gap = row.seq === row.tail_seq ? (row.gap_bytes ?? 0) : 0;
  return {
    sequence: row.seq as number,
    at: row.at as Date,
    droppedBytes: (row.dropped_bytes ?? 0) + gap,
    entries: (row.entries ?? []).map(([stream, text]) => ({ stream, text })),
  };
}

/** The entries without their first lines. Pure. */
function skipLines(entries: readonly LogEntry[], count: number): LogEntry[] {
  let left = count;
  return entries.flatMap((entry) => {
    if (left === 0) return [entry];
    const lines = entry.text.split('\n');
    const skipped = Math.min(left, lines.length);
    left -= skipped;
    return skipped === lines.length ? [] : [{ ...entry, text: lines.slice(skipped).join('\n') }];
  });
}

import { type EngineEvent, type EventPage, formatId, NeolithError } from '@neolith/contracts';
import type { EngineContext } from '../engineContext.js';
import { notFound, uuidOf } from '../ids.js';
import { findTask } from '../store/findTask.js';
import {
  type EventRow,
  readEpoch,
  readEventRows,
  readHorizon,
  readTaskEventRows,
} from '../store/readEventRows.js';
import { toEngineError } from '../store/sql.js';
import { isTrimmedAfter } from '../store/trimEvents.js';

/** A place in the event stream: the database it is of, and the last row that was read. */
interface Cursor {
  epoch: string;
  xid: string;
  seq: string;
}

const CURSOR = /^([0-9a-f]+)\.(\d{1,19})\.(\d{1,19})$/;

export function formatCursor(cursor: Cursor): string {
  return `${cursor.epoch}.${cursor.xid}.${cursor.seq}`;
}

export function parseCursor(text: string): Cursor {
  const match = CURSOR.exec(text);
  if (match === null)
    throw new NeolithError(
      'INVALID_CURSOR',
      'The cursor is not one that this stream gave; begin anew without one',
    );
  const [, epoch, xid, seq] = match as unknown as [string, string, string, string];
  if (BigInt(xid) > 9_223_372_036_854_775_807n || BigInt(seq) > 9_223_372_036_854_775_807n) {
    throw new NeolithError(
      'INVALID_CURSOR',
      'The cursor is not one that this stream gave; begin anew without one',
    );
  }
  return { epoch, xid, seq };
}

/**
 * The place of an event in the order of causes: what an event's transaction had seen has a smaller one. The stream is
 * in another order, that of its transactions' beginnings, because only that one can be followed without gaps: there a
 * claim may come before the completion that made room for it. Who reasons over a history sorts it by this.
 */
export function sequenceOf(event: Pick<EngineEvent, 'cursor'>): bigint {
  return BigInt(parseCursor(event.cursor).seq);
}

export function toEvent(row: EventRow, epoch: string): EngineEvent {
  const id = (kind: 'task' | 'attempt' | 'orchestrator' | 'daemon' | 'run', uuid: string | null) =>
    uuid === null ? null : formatId(kind, uuid);
  return {
    cursor: formatCursor({ epoch, xid: row.xid, seq: row.seq }),
    type: row.type,
    workspaceId: formatId('workspace', row.workspace_id),
    taskId: id('task', row.task_id),
    attemptId: id('attempt', row.attempt_id),
    orchestratorId: id('orchestrator', row.orchestrator_id),
    daemonId: id('daemon', row.daemon_id),
    runId: id('run', row.run_id),
    actor: row.actor,
    from: row.from,
    to: row.to,
    data: row.data,
    at: row.at,
  };
}

/**
 * Events after the cursor (default: from the beginning), oldest first, at most `limit` (default 500, at most 5,000).
 * The order is that of transactions, and rows appear only once every older transaction has ended, so that a reader
 * that follows cursors never skips a row that was committed late.
 *
 * Events older than the workspace keeps them are gone; without a cursor the page begins with the oldest that are left.
 *
 * Errors: INVALID_CURSOR, also where the cursor is of a database that was restored since, or where events after it have
 * been removed: the reader begins anew.
 */
export async function readEvents(
  engine: EngineContext,
  options: { cursor?: string | undefined; limit?: number | undefined } = {},
): Promise<EventPage> {
  try {
    const [epoch, horizon] = await Promise.all([readEpoch(engine.pool), readHorizon(engine.pool)]);
    const after = options.cursor === undefined ? { epoch, xid: '0', seq: '0' } : parseCursor(options.cursor);
    if (after.epoch !== epoch) {
      throw new NeolithError(
        'INVALID_CURSOR',
        'The cursor is of another database, or of this one before it was restored; begin anew without one',
      );
    }
    const limit = Math.min(Math.max(options.limit ?? 500, 1), 5_000);
    const rows = await readEventRows(engine.pool, {
      workspaceId: engine.workspaceId,
      afterXid: after.xid,
      afterSeq: after.seq,
      limit,
    });
    if (options.cursor !== undefined && (await isTrimmedAfter(engine.pool, { ...engine, ...after }))) {
      throw new NeolithError(
        'INVALID_CURSOR',
        'Events after this cursor are older than the workspace keeps them, and gone; read everything again, and begin anew without a cursor',
        { details: { trimmed: true } },
      );
    }
    const events = rows.map((row) => toEvent(row, epoch));
    // Up to the horizon, which was read first, nothing more is there: the next page need not look at it again.
    const settled = rows.length < limit ? [{ epoch, ...horizon }] : [];
    const reached = [after, ...rows.slice(-1).map((row) => ({ epoch, ...row })), ...settled].reduce(later);
    return { events, cursor: formatCursor(reached) };
  } catch (error) {
    throw toEngineError(error);
  }
}

function later(a: Cursor, b: Cursor): Cursor {
  const [ax, bx] = [BigInt(a.xid), BigInt(b.xid)];
  return bx > ax || (bx === ax && BigInt(b.seq) > BigInt(a.seq)) ? b : a;
}

/** Where the stream ends now. */
export async function currentCursor(engine: Pick<EngineContext, 'pool'>): Promise<string> {
  const [epoch, horizon] = await Promise.all([readEpoch(engine.pool), readHorizon(engine.pool)]);
  return formatCursor({ epoch, ...horizon });
}

/**
 * The history of a task, oldest first (default 500 events, at most 5,000), after the event with that cursor. Errors:
 * TASK_NOT_FOUND, INVALID_CURSOR.
 */
export async function listTaskEvents(
  engine: EngineContext,
  taskId: string,
  limit = 500,
  cursor?: string,
): Promise<EventPage> {
  const uuid = uuidOf('task', taskId);
  const after = cursor === undefined ? null : parseCursor(cursor);
  try {
    if ((await findTask(engine.pool, uuid, engine.workspaceId)) === null) throw notFound('task', taskId);
    const epoch = await readEpoch(engine.pool);
    const rows = await readTaskEventRows(engine.pool, {
      taskId: uuid,
      // A place in another history is no place in this one.
      afterSeq: after?.epoch === epoch ? after.seq : '0',
      limit: Math.min(Math.max(limit, 1), 5_000),
    });
    const events = rows.map((row) => toEvent(row, epoch));
    return { events, cursor: events[events.length - 1]?.cursor ?? cursor ?? (await currentCursor(engine)) };
  } catch (error) {
    throw toEngineError(error);
  }
}

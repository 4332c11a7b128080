import type { EventType, Json } from '@neolith/contracts';
import { type Connection, run } from './sql.js';

/** bigint columns come as text. */
export interface EventRow {
  xid: string;
  seq: string;
  workspace_id: string;
  task_id: string | null;
  attempt_id: string | null;
  orchestrator_id: string | null;
  daemon_id: string | null;
  run_id: string | null;
  at: Date;
  type: EventType;
  actor: string;
  from: string | null;
  to: string | null;
  data: Record<string, Json> | null;
}

const READ = {
  name: 'read_events',
  // Identity order is not commit order. Rows of a transaction are shown once every older one has ended: then
  // (xid, seq) only grows at the end, and a cursor can't pass a row that comes later.
  text: `
    SELECT * FROM events
    WHERE (xid, seq) > ($1::bigint, $2::bigint) AND xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
      AND ($3::uuid IS NULL OR workspace_id = $3)
    ORDER BY xid, seq LIMIT $4`,
};

export async function readEventRows(
  connection: Connection,
  input: { afterXid: string; afterSeq: string; workspaceId: string | null; limit: number },
): Promise<EventRow[]> {
  return run<EventRow>(connection, READ, [input.afterXid, input.afterSeq, input.workspaceId, input.limit]);
}

const HORIZON = {
  name: 'event_horizon',
  text: `SELECT (pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1)::text AS xid, '9223372036854775807' AS seq`,
};

/** Everything up to here is settled; whatever commits from now on comes after. */
export async function readHorizon(connection: Connection): Promise<{ xid: string; seq: string }> {
  const rows = await run<{ xid: string; seq: string }>(connection, HORIZON, []);
  return rows[0] as { xid: string; seq: string };
}

const EPOCH = {
  name: 'event_epoch',
  // Transaction ids start over in another cluster and repeat after a restore to an earlier point: cursors from
  // before must not be taken for places in this history.
  text: `SELECT to_hex(s.system_identifier) || lpad(to_hex(c.timeline_id), 8, '0') AS epoch FROM pg_control_system() s, pg_control_checkpoint() c`,
};

export async function readEpoch(connection: Connection): Promise<string> {
  const rows = await run<{ epoch: string }>(connection, EPOCH, []);
  return (rows[0] as { epoch: string }).epoch;
}

const OF_TASK = {
  name: 'events_of_task',
  text: 'SELECT * FROM events WHERE task_id = $1 AND seq > $3::bigint ORDER BY seq LIMIT $2',
};

export async function readTaskEventRows(
  connection: Connection,
  input: { taskId: string; afterSeq: string; limit: number },
): Promise<EventRow[]> {
  return run<EventRow>(connection, OF_TASK, [input.taskId, input.limit, input.afterSeq]);
}

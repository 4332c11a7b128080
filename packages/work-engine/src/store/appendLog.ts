import type { LogStream } from '@neolith/contracts';
import type { Pool } from 'pg';
import { runAlone } from './sql.js';

const APPEND = {
  name: 'append_attempt_log',
  text: 'SELECT * FROM append_attempt_log($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)',
};

export interface NewChunk {
  attemptId: string;
  sequence: number;
  entries: readonly (readonly [LogStream, string])[];
  bytes: number;
  lines: number;
  droppedBytes: number;
  last: boolean;
}

export interface AppendedRow {
  code: null | 'ATTEMPT_NOT_FOUND' | 'LEASE_LOST';
  stored: boolean;
  last_seq: number;
}

/** Stores a chunk of an attempt's output, within `limitBytes` of it in all, in one round trip. */
export async function appendLogChunk(
  pool: Pool,
  input: NewChunk & { limitBytes: number; workspaceId: string | null; now: Date | null },
): Promise<AppendedRow> {
  const rows = await runAlone<AppendedRow>(pool, APPEND, [
    input.attemptId,
    input.sequence,
    JSON.stringify(input.entries),
    input.bytes,
    input.lines,
    input.droppedBytes,
    input.last,
    input.limitBytes,
    input.workspaceId,
    input.now,
  ]);
  return rows[0] as AppendedRow;
}

const TRIM = { name: 'trim_attempt_logs', text: 'SELECT * FROM trim_attempt_logs($1, engine_now($2), $3)' };

/** Removes the next logs that are too old, of about `limit` chunks together; `is_over`: none is left. */
export async function trimLogs(
  pool: Pool,
  input: { workspaceId: string | null; now: Date | null; limit: number },
): Promise<{ removed: number; is_over: boolean }> {
  const rows = await runAlone<{ removed: number; is_over: boolean }>(pool, TRIM, [
    input.workspaceId,
    input.now,
    input.limit,
  ]);
  return rows[0] as { removed: number; is_over: boolean };
}

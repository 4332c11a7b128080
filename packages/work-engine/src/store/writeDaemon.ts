import type { DaemonState } from '@neolith/contracts';
import { type Connection, run } from './sql.js';

export interface DaemonRow {
  id: string;
  workspace_id: string;
  name: string;
  host: string;
  version: string;
  state: DaemonState;
  slots: number;
  agents: string[];
  orchestrator_ids: string[];
  started_at: Date;
  last_seen_at: Date;
}

const UPSERT = {
  name: 'upsert_daemon',
  text: `
    INSERT INTO daemons (id, workspace_id, name, host, version, state, slots, agents, orchestrator_ids, started_at, last_seen_at)
    SELECT $1, $2, $3, $4, $5, 'ACTIVE', $6, $7, $8, n.now, n.now FROM (SELECT engine_now($9) AS now) n
    ON CONFLICT (workspace_id, name) DO UPDATE SET host = excluded.host, version = excluded.version, state = 'ACTIVE', slots = excluded.slots,
      agents = excluded.agents, orchestrator_ids = excluded.orchestrator_ids, started_at = excluded.started_at, last_seen_at = excluded.last_seen_at
    RETURNING *`,
};

export async function upsertDaemon(
  connection: Connection,
  input: {
    id: string;
    workspaceId: string;
    name: string;
    host: string;
    version: string;
    slots: number;
    agents: readonly string[];
    orchestratorIds: readonly string[];
    now: Date | null;
  },
): Promise<DaemonRow> {
  const rows = await run<DaemonRow>(connection, UPSERT, [
    input.id,
    input.workspaceId,
    input.name,
    input.host,
    input.version,
    input.slots,
    input.agents,
    input.orchestratorIds,
    input.now,
  ]);
  return rows[0] as DaemonRow;
}

const TOUCH = {
  name: 'touch_daemon',
  text: `
    WITH before AS (SELECT id, state FROM daemons WHERE id = $1 AND ($2::uuid IS NULL OR workspace_id = $2) FOR UPDATE)
    UPDATE daemons d SET last_seen_at = engine_now($4), state = $3::daemon_state FROM before b WHERE d.id = b.id
    RETURNING d.*, b.state AS was`,
};

/** Null: no such daemon. */
export async function touchDaemon(
  connection: Connection,
  input: { id: string; workspaceId: string | null; state: DaemonState; now: Date | null },
): Promise<(DaemonRow & { was: DaemonState }) | null> {
  const rows = await run<DaemonRow & { was: DaemonState }>(connection, TOUCH, [
    input.id,
    input.workspaceId,
    input.state,
    input.now,
  ]);
  return rows[0] ?? null;
}

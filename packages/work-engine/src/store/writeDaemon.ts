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
  /** When it was noted that it had fallen silent; of now only where it was not heard since. */
  lost_at: Date | null;
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

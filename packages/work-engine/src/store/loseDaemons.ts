import type { Pool } from 'pg';
import { run, runAlone } from './sql.js';

/** Daemons are heard every few seconds; the dashboard and the metrics call one silent after as long. */
export const DAEMON_SILENT_SECONDS = 60;

/** Lost is one that was noted since it was last heard: whoever hears it has nothing to clear. */
const IS_SILENT = `d.state <> 'STOPPED' AND d.last_seen_at <= (SELECT engine_now($1)) - interval '${DAEMON_SILENT_SECONDS} seconds'
  AND (d.lost_at IS NULL OR d.lost_at <= d.last_seen_at)`;

const SILENT = {
  name: 'list_silent_daemons',
  text: `SELECT d.id FROM daemons d WHERE ${IS_SILENT} AND ($2::uuid IS NULL OR d.workspace_id = $2)
         ORDER BY d.last_seen_at, d.id LIMIT 500`,
};

/** Daemons that fell silent and were not noted yet, at most 500; the rest is the next sweep's. */
export async function listSilentDaemons(
  pool: Pool,
  input: { workspaceId: string | null; now: Date | null },
): Promise<string[]> {
  return (await run<{ id: string }>(pool, SILENT, [input.now, input.workspaceId])).map(({ id }) => id);
}

const NOTE = {
  name: 'note_lost_daemon',
  text: `
    WITH lost AS (
      UPDATE daemons d SET lost_at = engine_now($1) WHERE d.id = $2 AND ${IS_SILENT}
      RETURNING d.workspace_id, d.id, d.lost_at, d.state, d.last_seen_at
    )
    INSERT INTO events (workspace_id, daemon_id, at, type, actor, "from", data)
    SELECT l.workspace_id, l.id, l.lost_at, 'daemon.lost', 'engine', l.state::text,
           jsonb_build_object('lastSeenAt', to_char(l.last_seen_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
    FROM lost l RETURNING daemon_id`,
};

/** Notes it, with its event. False: it was heard, or noted, since. */
export async function noteLostDaemon(pool: Pool, input: { id: string; now: Date | null }): Promise<boolean> {
  return (await runAlone<{ daemon_id: string }>(pool, NOTE, [input.now, input.id])).length > 0;
}

import type { DaemonState } from '@neolith/contracts';
import type { Pool } from 'pg';
import { runAlone } from './sql.js';
import type { DaemonRow } from './writeDaemon.js';

const STATEMENT = {
  name: 'touch_daemons',
  text: `
    WITH before AS (
      SELECT d.id, d.state AS was, b.state, CASE WHEN d.lost_at > d.last_seen_at AND d.state <> 'STOPPED' THEN d.lost_at END AS was_lost_at
      FROM unnest($1::uuid[], $2::daemon_state[]) AS b(id, state) JOIN daemons d ON d.id = b.id AND ($3::uuid IS NULL OR d.workspace_id = $3)
      ORDER BY d.id FOR UPDATE OF d
    )
    UPDATE daemons d SET last_seen_at = engine_now($4), state = b.state FROM before b WHERE d.id = b.id
    RETURNING d.*, b.was, b.was_lost_at`,
};

export interface DaemonBeat {
  daemonId: string;
  state: DaemonState;
}

/** What beats must have in common to be written together. */
export interface TouchGroup {
  workspaceId: string | null;
  now: Date | null;
}

export type TouchedDaemonRow = DaemonRow & {
  was: DaemonState;
  /** Since when it had been lost; null: it was not. */
  was_lost_at: Date | null;
};

/** Writes that these daemons live, in one round trip; each beat's row in its place, null: no such daemon. */
export async function touchDaemons(
  pool: Pool,
  group: TouchGroup,
  beats: readonly DaemonBeat[],
): Promise<(TouchedDaemonRow | null)[]> {
  const rows = await runAlone<TouchedDaemonRow>(pool, STATEMENT, [
    beats.map((beat) => beat.daemonId),
    beats.map((beat) => beat.state),
    group.workspaceId,
    group.now,
  ]);
  const byId = new Map(rows.map((row) => [row.id, row]));
  return beats.map((beat) => byId.get(beat.daemonId) ?? null);
}

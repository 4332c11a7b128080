import type { DaemonState } from '@neolith/contracts';
import type { Pool } from 'pg';
import { runAlone } from './sql.js';
import type { DaemonRow } from './writeDaemon.js';

const STATEMENT = {
  name: 'touch_daemons',
  text: `
    WITH before AS (
      SELECT d.id, d.state AS was, d.last_seen_at AS was_seen_at, b.state
      FROM unnest($1::uuid[], $2::daemon_state[]) AS b(id, state) JOIN daemons d ON d.id = b.id AND ($3::uuid IS NULL OR d.workspace_id = $3)
      ORDER BY d.id FOR UPDATE OF d
    )
    UPDATE daemons d SET last_seen_at = engine_now($4), state = b.state FROM before b WHERE d.id = b.id
    RETURNING d.*, b.was, b.was_seen_at`,
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

/** As it is now, and what was of it before. */
export type TouchedDaemonRow = DaemonRow & {
  was: DaemonState;
  was_seen_at: Date;
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

import type { Pool } from 'pg';
import { run, runAlone } from './sql.js';

const TRIM = { name: 'trim_events', text: 'SELECT * FROM trim_events($1, engine_now($2), $3)' };

/** Removes the next piece of what is too old, looking at `limit` events at most; `is_over`: nothing more to do for now. */
export async function trimEvents(
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

const TRIMMED = {
  name: 'events_trimmed',
  // A place that no transaction here has reached is of the cluster that this database was restored from, where ids had
  // come further; every cursor of this one would be refused for it.
  text: `
    SELECT EXISTS (
      SELECT FROM event_trims WHERE ($1::uuid IS NULL OR scope = $1) AND (trimmed_xid, trimmed_seq) > ($2::bigint, $3::bigint)
        AND trimmed_xid < pg_snapshot_xmax(pg_current_snapshot())::text::bigint
    ) AS gone`,
};

/** Whether events that came after this place have been removed. Asked after reading on from it, it misses none. */
export async function isTrimmedAfter(
  pool: Pool,
  input: { workspaceId: string | null; xid: string; seq: string },
): Promise<boolean> {
  const rows = await run<{ gone: boolean }>(pool, TRIMMED, [input.workspaceId, input.xid, input.seq]);
  return rows[0]?.gone === true;
}

import type { Pool } from 'pg';
import { run, runAlone } from './sql.js';

/** A sweep does so many and leaves the others to the next: each may read a long history once. */
const AT_ONCE = 20;

const LACKING = {
  name: 'orchestrators_without_sums',
  // By the database's clock and never by a test's: what is over is decided by when transactions end.
  text: `
    SELECT o.id
    FROM orchestrators o
    CROSS JOIN LATERAL (SELECT ((clock_timestamp() - interval '3 hours 30 seconds') AT TIME ZONE o.time_zone)::date - 1 AS day OFFSET 0) y
    CROSS JOIN LATERAL (SELECT x.finished_at AS at FROM task_outcomes x WHERE x.orchestrator_id = o.id ORDER BY x.finished_at LIMIT 1) oldest
    LEFT JOIN LATERAL (
      SELECT true AS is_there FROM outcome_days d WHERE d.orchestrator_id = o.id AND d.day = y.day AND d.time_zone = o.time_zone LIMIT 1
    ) sums ON true
    WHERE ($1::uuid IS NULL OR o.workspace_id = $1)
      AND oldest.at < (y.day + 1)::timestamp AT TIME ZONE o.time_zone AND sums.is_there IS NULL
    LIMIT ${AT_ONCE}`,
};
const SUM_UP = { name: 'sum_up_outcomes', text: 'SELECT sum_up_outcomes($1) AS days' };

/**
 * Sums up the days that are over of orchestrators that lack yesterday's: statistics then read a row a day. Where none
 * could be summed up the rest is left to the next sweep: a transaction that writes outcomes is in the way of all of them,
 * each would wait a second for it, and expired leases with them.
 */
export async function sumUpOutcomes(pool: Pool, workspaceId: string | null): Promise<void> {
  for (const { id } of await run<{ id: string }>(pool, LACKING, [workspaceId])) {
    const [summed] = await runAlone<{ days: number }>(pool, SUM_UP, [id]);
    if (summed?.days === 0) return;
  }
}

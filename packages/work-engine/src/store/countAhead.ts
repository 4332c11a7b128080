import { type ReadyCriteria, readyCriteriaValues } from './readyCriteria.js';
import { type Connection, run } from './sql.js';

export interface Standing {
  weight: number;
  boost: number;
  ahead: number;
}

const STATEMENT = {
  name: 'count_ahead',
  // The whole ranking is walked: this answers a person's question, it is not on any hot path.
  text: `
    WITH ranked AS (
      SELECT h.*, row_number() OVER (ORDER BY h.score DESC, h.due_at, h.created_at, h.task_id) - 1 AS ahead
      FROM ready_heads($1, 2147483647, engine_now($3), $4, $5, $6::task_priority[], $7, $8, NULL, NULL) h
    )
    SELECT weight, boost, ahead::int FROM ranked WHERE task_id = $2`,
};

/** Where a task stands among the claimable ones; null: it is not among them. */
export async function countAhead(
  connection: Connection,
  input: { orchestratorId: string; taskId: string; now: Date; criteria: ReadyCriteria },
): Promise<Standing | null> {
  const rows = await run<Standing>(connection, STATEMENT, [
    input.orchestratorId,
    input.taskId,
    input.now,
    ...readyCriteriaValues(input.criteria),
  ]);
  return rows[0] ?? null;
}

const MOMENT = {
  name: 'read_moment',
  text: 'SELECT engine_now($2) AS now, slots_in_use($1, m) AS running FROM usable_mark($1) m',
};

/** The engine's time, and how many tasks of the orchestrator run. */
export async function readMoment(
  connection: Connection,
  orchestratorId: string,
  now: Date | null,
): Promise<{ now: Date; running: number }> {
  const rows = await run<{ now: Date; running: number }>(connection, MOMENT, [orchestratorId, now]);
  return rows[0] as { now: Date; running: number };
}

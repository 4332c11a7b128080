import type { Criteria, RankedTask, Ranking, Task } from '@neolith/contracts';
import type { EngineContext } from '../engineContext.js';
import { notFound, uuidOf } from '../ids.js';
import { type RankedRow, rankReady } from '../store/rankReady.js';
import { toReadyCriteria } from '../store/readyCriteria.js';
import { toTask } from '../store/rows.js';
import { toEngineError } from '../store/sql.js';

/** Why nothing would be handed out, as far as the orchestrator itself is the reason. */
export function orchestratorObstacle(row: Pick<RankedRow, 'orchestrator_status' | 'room'>) {
  if (row.orchestrator_status !== 'ONLINE' && row.orchestrator_status !== 'BUSY')
    return 'ORCHESTRATOR_NOT_AVAILABLE' as const;
  return row.room > 0 ? null : ('AT_CAPACITY' as const);
}

/**
 * The task that the orchestrator should do next, or null: the best of all its eligible tasks by
 * weight × boost, then earlier due date, age, id. Exact at any size of backlog. Reads only; see claimNextTask.
 *
 * Errors: ORCHESTRATOR_NOT_FOUND, INVALID_INPUT.
 */
export async function selectNextTask(
  engine: EngineContext,
  orchestratorId: string,
  criteria: Criteria = {},
): Promise<Task | null> {
  const { ranking, reason } = await rankTasks(engine, orchestratorId, { ...criteria, limit: 1 });
  return reason === null ? (ranking[0]?.task ?? null) : null;
}

/**
 * The eligible tasks in order, best first (`criteria.limit`, default 50), each with the parts of its score; the
 * order is told also while the orchestrator can't take any, and `reason` says so.
 *
 * Errors: ORCHESTRATOR_NOT_FOUND, INVALID_INPUT.
 */
export async function rankTasks(
  engine: EngineContext,
  orchestratorId: string,
  criteria: Criteria = {},
): Promise<Ranking> {
  const rows = await rankReady(engine.pool, {
    orchestratorId: uuidOf('orchestrator', orchestratorId),
    workspaceId: engine.workspaceId,
    now: engine.now(),
    limit: criteria.limit ?? 50,
    criteria: toReadyCriteria(criteria),
  }).catch((error: unknown) => {
    throw toEngineError(error);
  });
  const first = rows[0];
  if (first === undefined) throw notFound('orchestrator', orchestratorId);
  const ranking = rows.filter(isTask).map(
    (row, index): RankedTask => ({
      rank: index + 1,
      task: toTask(row),
      weight: row.weight,
      boost: row.boost,
      score: row.weight * row.boost,
    }),
  );
  return {
    ranking,
    reason: orchestratorObstacle(first) ?? (ranking.length === 0 ? 'NOTHING_ELIGIBLE' : null),
  };
}

function isTask(row: RankedRow): row is RankedRow & { weight: number; boost: number } {
  return row.weight !== null;
}

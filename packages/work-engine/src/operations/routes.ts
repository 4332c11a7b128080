import {
  type AgentFigures,
  agentFiguresQuerySchema,
  NeolithError,
  type Route,
  routeRequestSchema,
} from '@neolith/contracts';
import type { EngineContext } from '../engineContext.js';
import { notFound, uuidOf } from '../ids.js';
import { writeRoute } from '../store/attemptRoutes.js';
import { findEndedAttempt } from '../store/breakers.js';
import { readNow } from '../store/lockTask.js';
import { readAgentFigureRows } from '../store/readAgentFigures.js';
import { toEngineError, transact } from '../store/sql.js';
import { parseWritten } from './parseWritten.js';
import { workspaceOf } from './workspace.js';

/**
 * Stores which agent does the task of a running attempt, and why; from then on the attempt is that agent's. The same one
 * told again changes nothing. Errors: ATTEMPT_NOT_FOUND, LEASE_LOST, INVALID_INPUT.
 */
export async function recordRoute(engine: EngineContext, attemptId: string, route: Route): Promise<void> {
  const parsed = parseWritten(routeRequestSchema, route, 'The route');
  const uuid = uuidOf('attempt', attemptId);
  const { agent, rule, strategy, reason, taskType } = parsed;
  const told = { agent, rule, strategy, taskType, reason };
  const isHeld = await writeRoute(engine.pool, {
    attemptId: uuid,
    workspaceId: engine.workspaceId,
    route: parsed,
    actor: engine.actor,
    now: engine.now(),
    told,
  }).catch((error: unknown) => {
    throw toEngineError(error);
  });
  if (isHeld) {
    engine.events.poke();
    return;
  }
  if ((await findEndedAttempt(engine.pool, uuid, engine.workspaceId)) === null)
    throw notFound('attempt', attemptId);
  throw new NeolithError(
    'LEASE_LOST',
    `Attempt ${attemptId.slice(0, 100)} no longer owns its task; end its work`,
    { details: { attemptId } },
  );
}

/**
 * How often each agent succeeded at each type of task within `days` (1 to 90, default 30), how long it took and what it
 * cost. A failure of class `task` or `agent` is the agent's; a provider's or a machine's is nobody's. Errors: INVALID_INPUT.
 */
export async function readAgentFigures(
  engine: EngineContext,
  options: { days?: number | undefined } = {},
): Promise<AgentFigures> {
  const { days } = parseWritten(agentFiguresQuerySchema, options, 'The query');
  const workspaceId = await workspaceOf(engine);
  const { now, rows } = await transact(engine.pool, async (client) => {
    const at = await readNow(client, engine.now());
    return { now: at, rows: await readAgentFigureRows(client, { workspaceId, now: at, days }) };
  });
  return {
    since: new Date(now.getTime() - days * 86_400_000),
    figures: rows.map((row) => ({
      agent: row.agent,
      taskType: row.task_type,
      attempts: row.attempts,
      successes: row.successes,
      failures: row.attempts - row.successes,
      recentSuccesses: row.recent_successes,
      recentFailures: row.recent_failures,
      averageDurationMs: row.average_duration,
      averageCostUsd: row.average_cost,
      lastEndedAt: row.last_ended_at,
    })),
  };
}

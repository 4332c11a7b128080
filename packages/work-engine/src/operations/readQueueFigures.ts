import { formatId } from '@neolith/contracts';
import type { EngineContext } from '../engineContext.js';
import {
  countDaemonsAlive,
  countOpenRuns,
  countResources,
  countUnassigned,
  listBreakerStatuses,
  readQueues,
} from '../store/readQueueFigures.js';
import { toEngineError } from '../store/sql.js';
import type { QueueFigures, QueueFiguresOptions } from '../workEngine.js';

const NAMED = 100;
const DEPTH_LIMIT = 10_000;
/** Orchestrators that are looked at in all. */
const LIMIT = 2_000;

/** Breakers that are told of. */
const BREAKERS = 100;

/** How deep and how old the queues are, and what stands in their way. One statement after another: a scrape takes one connection at most. */
export async function readQueueFigures(
  engine: EngineContext,
  options: QueueFiguresOptions = {},
): Promise<QueueFigures> {
  const { pool, workspaceId } = engine;
  const now = engine.now();
  try {
    const queues = await readQueues(pool, {
      workspaceId,
      named: options.named ?? NAMED,
      depthLimit: options.depthLimit ?? DEPTH_LIMIT,
      limit: LIMIT,
      now,
    });
    const runs = await countOpenRuns(pool, workspaceId);
    const depthLimit = options.depthLimit ?? DEPTH_LIMIT;
    const resources = await countResources(pool, { workspaceId, depthLimit, now });
    return {
      queues: queues.map((row) => ({
        orchestratorId: row.orchestrator_id === null ? null : formatId('orchestrator', row.orchestrator_id),
        name: row.name,
        ready: row.ready,
        delayed: row.delayed,
        blocked: row.blocked,
        running: row.running,
        oldestReadySeconds: Math.max(0, row.oldest_seconds),
      })),
      breakers: await listBreakerStatuses(pool, workspaceId, BREAKERS),
      resources: {
        held: resources.held,
        attemptsWaiting: resources.attempts,
        tasksWaiting: resources.tasks,
        oldestWaitSeconds: Math.max(0, resources.oldest_seconds),
      },
      runs: Object.fromEntries(runs.map(({ status, amount }) => [status, amount])),
      unassigned: await countUnassigned(pool, workspaceId, depthLimit),
      daemonsAlive: await countDaemonsAlive(pool, workspaceId, now),
    };
  } catch (error) {
    throw toEngineError(error);
  }
}

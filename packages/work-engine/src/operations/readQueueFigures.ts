import { formatId } from '@neolith/contracts';
import type { EngineContext } from '../engineContext.js';
import { countDaemonsAlive, countOpenRuns, readQueues } from '../store/readQueueFigures.js';
import { toEngineError } from '../store/sql.js';
import type { QueueFigures, QueueFiguresOptions } from '../workEngine.js';

const NAMED = 100;
const DEPTH_LIMIT = 10_000;
/** Orchestrators that are looked at in all. */
const LIMIT = 2_000;

/** How deep and how old the queues are. Three statements, one after another: a scrape takes one connection at most. */
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
      runs: Object.fromEntries(runs.map(({ status, amount }) => [status, amount])),
      daemonsAlive: await countDaemonsAlive(pool, workspaceId, now),
    };
  } catch (error) {
    throw toEngineError(error);
  }
}

import { type Execution, formatId, NeolithError } from '@neolith/contracts';
import { describeObstacles } from '../domain/resources/boardResources.js';
import { canTransitionToStatus } from '../domain/transitions.js';
import type { EngineContext } from '../engineContext.js';
import { newUuid, notFound, uuidOf } from '../ids.js';
import { findTask } from '../store/findTask.js';
import { readNow } from '../store/lockTask.js';
import { type ContextRow, readContexts } from '../store/readContexts.js';
import { transact } from '../store/sql.js';
import { startTask } from '../store/startTask.js';
import { waitsFor } from '../store/waitsFor.js';
import type { ExecuteOptions } from '../workEngine.js';
import { checkLeaseSeconds } from './claimNextTask.js';
import { toContext } from './prepareTaskContext.js';
import { obstaclesOf } from './resources/obstaclesOf.js';

/**
 * Starts this very task, whatever its rank, and answers with its context: the original specification's verb. The
 * attempt never runs out unless `leaseSeconds` says otherwise. A task that waits for prerequisites, or that somebody
 * reported blocked, or whose resources are in use, is not started; the answer is `blocked` with the reason.
 *
 * Errors: TASK_NOT_FOUND, ORCHESTRATOR_NOT_FOUND, DAEMON_NOT_FOUND, TASK_NOT_ASSIGNED, AT_CAPACITY (orchestrator or run),
 * RUN_NOT_RUNNING, WAVE_NOT_OPEN, INVALID_TRANSITION.
 */
export async function executeTask(
  engine: EngineContext,
  orchestratorId: string,
  taskId: string,
  options: ExecuteOptions = {},
): Promise<Execution> {
  const orchestrator = uuidOf('orchestrator', orchestratorId);
  const task = uuidOf('task', taskId);
  const leaseSeconds = checkLeaseSeconds(options.leaseSeconds ?? null);
  const { outcome, context } = await transact(engine.pool, async (client) => {
    const outcome = await startTask(client, {
      workspaceId: engine.workspaceId,
      orchestratorId: orchestrator,
      taskId: task,
      attemptId: newUuid(),
      daemonId: options.daemonId === undefined ? null : uuidOf('daemon', options.daemonId),
      agent: options.agent ?? null,
      actor: engine.actor,
      leaseSeconds,
      now: engine.now(),
    });
    // In the same transaction: an attempt without expiry that nobody was told of would hold its slot for ever.
    const context = outcome.kind === 'started' ? await readContexts(client, [task], engine.workspaceId) : [];
    return { outcome, context };
  });
  switch (outcome.kind) {
    case 'orchestrator_not_found':
      throw notFound('orchestrator', orchestratorId);
    case 'daemon_not_found':
      throw notFound('daemon', options.daemonId ?? '');
    case 'task_not_found':
      throw notFound('task', taskId);
    case 'not_assigned':
      throw new NeolithError(
        'TASK_NOT_ASSIGNED',
        `Task ${taskId} is not assigned to Orchestrator ${orchestratorId}`,
        { details: { taskId, orchestratorId } },
      );
    case 'at_capacity':
      throw new NeolithError(
        'AT_CAPACITY',
        `Orchestrator ${orchestratorId} is at its limit of ${outcome.limit} task(s) at once; finish one or raise maxConcurrentTasks`,
        { details: { orchestratorId, limit: outcome.limit } },
      );
    case 'run_not_running':
      throw new NeolithError(
        'RUN_NOT_RUNNING',
        `Task ${taskId} belongs to run ${formatId('run', outcome.runId)}, which is ${outcome.status}; it hands out no work`,
        { details: { taskId, runId: formatId('run', outcome.runId), status: outcome.status } },
      );
    case 'run_at_capacity':
      throw new NeolithError(
        'AT_CAPACITY',
        `Run ${formatId('run', outcome.runId)} is at its limit of tasks at once; finish one or raise maxConcurrentTasks`,
        { details: { taskId, runId: formatId('run', outcome.runId) } },
      );
    case 'wave_not_open':
      throw new NeolithError(
        'WAVE_NOT_OPEN',
        `Task ${taskId} is in wave ${outcome.wave} of run ${formatId('run', outcome.runId)}, which has not opened yet`,
        { details: { taskId, runId: formatId('run', outcome.runId), wave: outcome.wave } },
      );
    case 'resources_in_use':
      return blocked(engine, task, taskId);
    case 'not_todo': {
      if (outcome.status === 'BLOCKED') return blocked(engine, task, taskId);
      const verdict = canTransitionToStatus({ id: taskId, status: outcome.status }, 'IN_PROGRESS');
      throw new NeolithError('INVALID_TRANSITION', verdict.reason ?? `Task ${taskId} is ${outcome.status}`, {
        details: { taskId, status: outcome.status },
      });
    }
    case 'started': {
      engine.events.poke();
      return {
        taskId: formatId('task', task),
        status: 'in_progress',
        output: toContext(context[0] as ContextRow),
        attemptId: formatId('attempt', outcome.attemptId),
        metrics: { startedAt: outcome.startedAt },
      };
    }
  }
}

async function blocked(engine: EngineContext, uuid: string, taskId: string): Promise<Execution> {
  const [task, waiting, startedAt] = await Promise.all([
    findTask(engine.pool, uuid, engine.workspaceId),
    waitsFor(engine.pool, uuid),
    readNow(engine.pool, engine.now()),
  ]);
  const obstacles = task === null ? [] : await obstaclesOf(engine.pool, task, startedAt);
  const reasons = [
    ...(waiting.length === 0
      ? []
      : [
          `waits for ${waiting
            .slice(0, 5)
            .map((other) => `${formatId('task', other.id)} "${other.title}" (${other.status})`)
            .join(', ')}${waiting.length > 5 ? ` and ${waiting.length - 5} more` : ''}`,
        ]),
    ...(task === null || task.status !== 'TODO'
      ? []
      : [
          describeObstacles(obstacles)?.replace(/^It /, '') ??
            'waits for resources that were in use a moment ago',
        ]),
    ...(task?.blocked_reason == null ? [] : [`reported blocked: ${task.blocked_reason}`]),
  ];
  return {
    taskId: formatId('task', uuid),
    status: 'blocked',
    error: `Task ${taskId} ${reasons.join('; ')}`,
    metrics: { startedAt },
  };
}

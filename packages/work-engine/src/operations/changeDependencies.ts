import { formatId, NeolithError } from '@neolith/contracts';
import type { PoolClient } from 'pg';
import { findPath } from '../domain/findPath.js';
import type { EngineContext } from '../engineContext.js';
import { notFound, uuidOf } from '../ids.js';
import { deleteEdge, findEdge, insertEdge, lockGraph, readAncestors } from '../store/edges.js';
import { failDependents, lockRunOf, reviewRuns } from '../store/lockRun.js';
import { lockTask, readNow } from '../store/lockTask.js';
import { moveTask, tellTask } from '../store/moveTask.js';
import { addUnmet, lockPrerequisites, readUnmet } from '../store/prerequisites.js';
import { renumberWaves } from '../store/renumberWaves.js';
import { transact } from '../store/sql.js';
import { refuseTransition } from './changeTask.js';

/**
 * Makes a task depend on another one: it waits until that one is DONE.
 * Errors, nothing changed: TASK_NOT_FOUND, DEPENDENCY_ON_ITSELF, DUPLICATE_DEPENDENCY, DEPENDENCY_ACROSS_WORKSPACES,
 * DEPENDENCY_CYCLE (the message and `details.path` name the way round), INVALID_TRANSITION once the task has started.
 */
export async function addDependency(engine: EngineContext, taskId: string, dependsOn: string): Promise<void> {
  const dependent = uuidOf('task', taskId);
  const prerequisite = uuidOf('task', dependsOn);
  if (dependent === prerequisite) {
    throw new NeolithError('DEPENDENCY_ON_ITSELF', `Task ${taskId} can't depend on itself`, {
      details: { taskId },
    });
  }
  await transact(engine.pool, async (client) => {
    await linkTask(engine, client, { taskId, dependsOn });
    await settleRunOf(engine, client, dependent);
  });
  engine.events.poke();
}

/**
 * Removes a dependency; a task that waited for nothing else is TODO then.
 * Errors: TASK_NOT_FOUND, DEPENDENCY_NOT_FOUND.
 */
export async function removeDependency(
  engine: EngineContext,
  taskId: string,
  dependsOn: string,
): Promise<void> {
  const dependent = uuidOf('task', taskId);
  await transact(engine.pool, async (client) => {
    await unlinkTask(engine, client, { taskId, dependsOn });
    await settleRunOf(engine, client, dependent);
  });
  engine.events.poke();
}

/** Adds an edge within a transaction; the waves of its run have to follow (settleRunOf). */
export async function linkTask(
  engine: EngineContext,
  client: PoolClient,
  edge: { taskId: string; dependsOn: string },
): Promise<void> {
  const { taskId, dependsOn } = edge;
  const dependent = uuidOf('task', taskId);
  const prerequisite = uuidOf('task', dependsOn);
  const workspaceId = await lockGraph(client, dependent, engine.workspaceId);
  if (workspaceId === null) throw notFound('task', taskId);
  await lockRunOf(client, dependent);
  const task = await lockTask(client, dependent, engine.workspaceId, taskId);
  // Before the prerequisite is locked: its completion would be waiting for the dependent then, and we for it.
  if (await findEdge(client, dependent, prerequisite)) {
    throw new NeolithError('DUPLICATE_DEPENDENCY', `Task ${taskId} depends on ${dependsOn} already`, {
      details: { taskId, dependsOn },
    });
  }
  const [other] = await lockPrerequisites(client, [prerequisite]);
  if (other === undefined || (engine.workspaceId !== null && other.workspace_id !== engine.workspaceId))
    throw notFound('task', dependsOn);
  if (other.workspace_id !== workspaceId) {
    throw new NeolithError(
      'DEPENDENCY_ACROSS_WORKSPACES',
      `Tasks ${taskId} and ${dependsOn} belong to different workspaces`,
      { details: { taskId, dependsOn } },
    );
  }
  if (task.status !== 'TODO' && task.status !== 'BLOCKED') {
    throw refuseTransition(
      task,
      taskId,
      `Task ${taskId} is ${task.status}; a prerequisite can only be added before it starts`,
    );
  }
  const path = findPath(await readAncestors(client, prerequisite), prerequisite, dependent);
  if (path !== null) {
    const cycle = [dependent, ...path].map((id) => formatId('task', id));
    throw new NeolithError(
      'DEPENDENCY_CYCLE',
      `Task ${taskId} can't depend on ${dependsOn}, that would be a cycle: ${cycle.join(' → ')}`,
      { details: { path: cycle } },
    );
  }
  await insertEdge(client, dependent, prerequisite);
  const now = await readNow(client, engine.now());
  await tellTask(client, dependent, {
    event: 'dependency.added',
    actor: engine.actor,
    now,
    data: { dependsOn: formatId('task', prerequisite) },
  });
  if (other.status === 'DONE') return;
  if (task.status === 'BLOCKED') await addUnmet(client, dependent, 1);
  else await holdTask();
  if (other.status !== 'FAILED' && other.status !== 'CANCELLED') return;
  // What it waits for is over already: the policy of its run holds as if it ended now.
  await failDependents(client, {
    endedIds: [prerequisite],
    policy: undefined,
    only: [dependent],
    actor: engine.actor,
    now,
  });

  /** It was TODO: nothing else is unmet. */
  async function holdTask(): Promise<void> {
    await moveTask(client, task, {
      to: 'BLOCKED',
      event: 'task.blocked',
      actor: engine.actor,
      now,
      unmet: 1,
      data: { reason: 'DEPENDENCIES' },
    });
  }
}

/** Removes an edge within a transaction; the waves of its run have to follow (settleRunOf). */
export async function unlinkTask(
  engine: EngineContext,
  client: PoolClient,
  edge: { taskId: string; dependsOn: string },
): Promise<void> {
  const { taskId, dependsOn } = edge;
  const dependent = uuidOf('task', taskId);
  const prerequisite = uuidOf('task', dependsOn);
  if ((await lockGraph(client, dependent, engine.workspaceId)) === null) throw notFound('task', taskId);
  await lockRunOf(client, dependent);
  // The prerequisite first: its completion, once under way, waits for the dependent.
  const [other] = await lockPrerequisites(client, [prerequisite]);
  const task = await lockTask(client, dependent, engine.workspaceId, taskId);
  const held = await deleteEdge(client, dependent, prerequisite);
  if (held === null) {
    throw new NeolithError('DEPENDENCY_NOT_FOUND', `Task ${taskId} does not depend on ${dependsOn}`, {
      details: { taskId, dependsOn },
    });
  }
  const now = await readNow(client, engine.now());
  await tellTask(client, dependent, {
    event: 'dependency.removed',
    actor: engine.actor,
    now,
    data: { dependsOn: formatId('task', prerequisite) },
  });
  if (task.status !== 'BLOCKED' || other?.status === 'DONE' || !held) return;
  if ((await readUnmet(client, dependent)) > 1 || task.blocked_reason !== null) {
    await addUnmet(client, dependent, -1);
    return;
  }
  await moveTask(client, task, {
    to: 'TODO',
    event: 'task.unblocked',
    actor: engine.actor,
    now,
    data: { reason: 'DEPENDENCIES' },
  });
}

/** The graph of the task's run has changed: its waves are numbered anew, and what that makes due happens. */
async function settleRunOf(engine: EngineContext, client: PoolClient, taskUuid: string): Promise<void> {
  const run = await lockRunOf(client, taskUuid);
  if (run === null) return;
  const now = await readNow(client, engine.now());
  await renumberWaves(client, run.id, now);
  await reviewRuns(client, { runIds: [run.id], actor: engine.actor, now });
}

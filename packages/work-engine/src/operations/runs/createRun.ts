import {
  DEFAULT_RUN_CONFIG,
  formatId,
  type NewRun,
  type NewTask,
  newRunSchema,
  newRunTaskSchema,
  type ParsedNewRun,
  type ParsedNewTask,
  type Run,
} from '@neolith/contracts';
import type { PoolClient } from 'pg';
import { applySettings } from '../../domain/applySettings.js';
import type { EngineContext } from '../../engineContext.js';
import { newUuid, uuidOf } from '../../ids.js';
import { readNow } from '../../store/lockTask.js';
import { findRun } from '../../store/readRun.js';
import { type RunRow, toRun } from '../../store/runRows.js';
import { transact } from '../../store/sql.js';
import { insertRun, tellRun } from '../../store/writeRun.js';
import { insertNewTasks, ownersOf } from '../createTasks.js';
import { parseWritten } from '../parseWritten.js';

/**
 * Creates a run with its tasks and the dependencies among them, all of it or nothing. It is PENDING: nothing is handed
 * out before `startRun`. Tasks that name no orchestrator get the run's, those without a due date inherit its.
 *
 * Errors: INVALID_INPUT, RUN_SOURCE_TAKEN, ORCHESTRATOR_NOT_FOUND, CHANNEL_NOT_FOUND, TASK_NOT_FOUND, DEPENDENCY_CYCLE,
 * DEPENDENCY_ON_ITSELF, DUPLICATE_DEPENDENCY, DUPLICATE_SOURCE_ID.
 */
export async function createRun(engine: EngineContext, plan: NewRun): Promise<Run> {
  const parsed = parseRun(plan);
  const { row } = await transact(engine.pool, (client) => insertWholeRun(engine, client, parsed));
  engine.events.poke();
  return toRun(row);
}

export function parseRun(plan: NewRun): ParsedNewRun {
  const { tasks = [], ...rest } = plan;
  const run = parseWritten(newRunSchema, rest, 'The run');
  return { ...run, tasks: tasks.map((task, index) => parseTask(task, index, run)) };
}

function parseTask(task: NewTask, index: number, run: ParsedNewRun): ParsedNewTask {
  const parsed = parseWritten(newRunTaskSchema, task, `Task ${index + 1}`, ['tasks', index]);
  const source = parsed.sourceId === null ? null : (parsed.source ?? run.source);
  return {
    ...parsed,
    source,
    sourceId: source === null ? null : parsed.sourceId,
    orchestratorId: parsed.orchestratorId ?? run.orchestratorId,
    dueAt: parsed.dueAt ?? run.dueAt,
    // A plan names its tasks by their source ids.
    key: parsed.key ?? parsed.sourceId ?? undefined,
  };
}

/** Inserts run and tasks within a transaction; the tasks' UUIDs are in the order of the plan. */
export async function insertWholeRun(
  engine: EngineContext,
  client: PoolClient,
  plan: ParsedNewRun,
): Promise<{ row: RunRow; uuids: string[] }> {
  const { workspaceId } = await ownersOf(engine, client, [plan, ...plan.tasks]);
  const now = await readNow(client, engine.now());
  const id = newUuid();
  await insertRun(client, {
    ...plan,
    id,
    workspaceId,
    orchestratorId: plan.orchestratorId === null ? null : uuidOf('orchestrator', plan.orchestratorId),
    config: applySettings(DEFAULT_RUN_CONFIG, plan.config),
    now,
  });
  await tellRun(client, id, { event: 'run.created', actor: engine.actor, now, to: 'PENDING' });
  const uuids = await insertNewTasks(
    engine,
    client,
    plan.tasks.map((task) => ({ ...task, runId: formatId('run', id) })),
  );
  return { row: (await findRun(client, id, workspaceId)) as RunRow, uuids };
}

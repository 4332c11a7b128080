import {
  formatId,
  NeolithError,
  type ParsedNewRun,
  type ParsedNewTask,
  type PlanImport,
  type PlanImportResult,
  parseId,
  type TaskPatch,
} from '@neolith/contracts';
import type { PoolClient } from 'pg';
import { applySettings } from '../../domain/applySettings.js';
import { changedFields, type PlannedFields } from '../../domain/comparePlan.js';
import { isRunEnded, runEventOf } from '../../domain/runTransitions.js';
import type { EngineContext } from '../../engineContext.js';
import { uuidOf } from '../../ids.js';
import { lockPlanSource } from '../../store/edges.js';
import { lockRun, reviewRuns } from '../../store/lockRun.js';
import { lockTask, readNow } from '../../store/lockTask.js';
import { tellTask } from '../../store/moveTask.js';
import { patchTask } from '../../store/patchTask.js';
import { findRun, lockRunBySource, readRunEdges, readWholeRunTasks } from '../../store/readRun.js';
import { renumberWaves } from '../../store/renumberWaves.js';
import type { TaskRow } from '../../store/rows.js';
import { type RunRow, toRun, toRunConfig } from '../../store/runRows.js';
import { transact } from '../../store/sql.js';
import { moveRun, patchRun, requeueRun, tellRun } from '../../store/writeRun.js';
import { linkTask, unlinkTask } from '../changeDependencies.js';
import { insertNewTasks, ownersOf } from '../createTasks.js';
import { insertWholeRun, parseRun } from './createRun.js';
import { refuseLiveAttempts } from './moveRun.js';

/** Ends the transaction of a dry run. */
class DryRunOver extends Error {}

/**
 * Stores a plan as a run, or brings the run of the same `source` up to date: tasks are found again by their `sourceId`,
 * changed where they differ, created where they are new; those that the plan has no more are reported and left alone.
 * All in one transaction. A dry run does the same and takes it back, so it says exactly what would happen.
 *
 * Dependencies of tasks that have begun, and the status of any, are not changed: they are reported as `refused`.
 * Errors: as createRun; RUN_ENDED where the run of this source is over.
 */
export async function importPlan(engine: EngineContext, plan: PlanImport): Promise<PlanImportResult> {
  const { dryRun = false, start = false, ...given } = plan;
  const parsed = parseRun(given);
  if (parsed.source === null) throw new NeolithError('INVALID_INPUT', 'An import names its source');
  const tasks = checkSourceIds(parsed);
  let result: PlanImportResult | undefined;
  try {
    await transact(engine.pool, async (client) => {
      result = await importInto(engine, client, { ...parsed, tasks }, parsed.source as string, start);
      if (dryRun) throw new DryRunOver();
    });
  } catch (error) {
    if (!(error instanceof DryRunOver)) throw error;
  }
  const done = result as PlanImportResult;
  if (!dryRun) {
    engine.events.poke();
    return done;
  }
  return dropUnstored(done);
}

/** Ids that a dry run made up name nothing. */
function dropUnstored(result: PlanImportResult): PlanImportResult {
  return {
    ...result,
    dryRun: true,
    run: result.created.length > 0 && result.unchanged + result.updated.length === 0 ? null : result.run,
    created: result.created.map((task) => ({ ...task, taskId: null })),
  };
}

function checkSourceIds(plan: ParsedNewRun): (ParsedNewTask & { sourceId: string; key: string })[] {
  return plan.tasks.map((task, index) => {
    const sourceId = task.sourceId ?? task.key;
    if (sourceId === undefined || sourceId === null) {
      throw new NeolithError(
        'INVALID_INPUT',
        `Task ${index + 1} ("${task.title}") has no sourceId; give each task of a plan its own, so that a second import finds it again`,
        { details: { index } },
      );
    }
    return { ...task, source: plan.source, sourceId, key: task.key ?? sourceId };
  });
}

type PlannedTask = ParsedNewTask & { sourceId: string; key: string };
type ImportedPlan = Omit<ParsedNewRun, 'tasks'> & { tasks: PlannedTask[] };

async function importInto(
  engine: EngineContext,
  client: PoolClient,
  plan: ImportedPlan,
  source: string,
  start: boolean,
): Promise<PlanImportResult> {
  const { workspaceId } = await ownersOf(engine, client, [plan, ...plan.tasks]);
  // Two imports of one source happen one after another, also while there is no run yet.
  await lockPlanSource(client, workspaceId, source);
  const existing = await lockRunBySource(client, workspaceId, source);
  const result =
    existing === null
      ? await createWhole(engine, client, plan)
      : await bringUpToDate(engine, client, existing, plan);
  const runId = result.run?.id as string;
  const row = await lockRun(client, uuidOf('run', runId), workspaceId, runId);
  const now = await readNow(client, engine.now());
  if (start && row.status === 'PENDING') {
    await moveRun(client, row, {
      to: 'RUNNING',
      event: runEventOf('start'),
      actor: engine.actor,
      now,
      fresh: true,
    });
    await requeueRun(client, row.id, now);
  }
  await reviewRuns(client, { runIds: [row.id], actor: engine.actor, now });
  return { ...result, run: toRun((await findRun(client, row.id, workspaceId)) as RunRow) };
}

async function createWhole(
  engine: EngineContext,
  client: PoolClient,
  plan: ImportedPlan,
): Promise<PlanImportResult> {
  const run = toRun(await insertWholeRun(engine, client, plan));
  const rows = await readWholeRunTasks(client, uuidOf('run', run.id));
  const idOf = new Map(rows.map((row) => [row.source_id, row.id]));
  return {
    run,
    dryRun: false,
    created: plan.tasks.map((task) => ({
      taskId: formatId('task', idOf.get(task.sourceId) as string),
      sourceId: task.sourceId,
      title: task.title,
    })),
    updated: [],
    unchanged: 0,
    removed: [],
    refused: [],
  };
}

async function bringUpToDate(
  engine: EngineContext,
  client: PoolClient,
  run: RunRow,
  plan: ImportedPlan,
): Promise<PlanImportResult> {
  const stored = new Map<string, TaskRow>();
  for (const row of await readWholeRunTasks(client, run.id))
    if (row.source_id !== null) stored.set(row.source_id, row);
  const planned = new Set(plan.tasks.map((task) => task.sourceId));
  const fresh = plan.tasks.filter((task) => !stored.has(task.sourceId));
  if (isRunEnded(run.status) && fresh.length > 0) {
    throw new NeolithError(
      'RUN_ENDED',
      `Run ${formatId('run', run.id)} of source "${plan.source}" is ${run.status}, and the plan has ${fresh.length} new task(s); reset the run, or give another source`,
      { details: { runId: formatId('run', run.id), status: run.status, newTasks: fresh.length } },
    );
  }
  const now = await readNow(client, engine.now());
  const uuidOfKey = new Map<string, string>();
  for (const task of plan.tasks) {
    const known = stored.get(task.sourceId);
    if (known !== undefined) uuidOfKey.set(task.key, known.id);
  }
  const made = await insertNewTasks(
    engine,
    client,
    fresh.map((task) => ({
      ...withKnownIds(task, uuidOfKey),
      runId: formatId('run', run.id),
    })),
  );
  for (const [index, row] of made.entries()) uuidOfKey.set((fresh[index] as PlannedTask).key, row.id);

  const report: Pick<PlanImportResult, 'updated' | 'refused'> & { unchanged: number } = {
    updated: [],
    refused: [],
    unchanged: 0,
  };
  const prerequisitesOf = new Map<string, Set<string>>();
  for (const edge of await readRunEdges(client, run.id)) {
    const known = prerequisitesOf.get(edge.dependent_id);
    if (known === undefined) prerequisitesOf.set(edge.dependent_id, new Set([edge.prerequisite_id]));
    else known.add(edge.prerequisite_id);
  }
  const editOf = new Map<string, EdgeEdit>();
  for (const task of plan.tasks) {
    const row = stored.get(task.sourceId);
    if (row === undefined) continue;
    const wanted = new Set(task.dependsOn.map((name) => uuidOfReference(name, uuidOfKey)));
    const has = prerequisitesOf.get(row.id) ?? new Set<string>();
    const added = [...wanted].filter((id) => !has.has(id));
    const removed = [...has].filter((id) => !wanted.has(id));
    if (added.length + removed.length > 0) editOf.set(row.id, { row, added, removed });
  }
  const edgesChanged = await changeEdges(engine, client, [...editOf.values()]);
  for (const task of plan.tasks) {
    const row = stored.get(task.sourceId);
    if (row === undefined) continue;
    const changes: string[] = changedFields(fieldsOf(row, task), fieldsOfPlan(task));
    const reference = { taskId: formatId('task', row.id), sourceId: task.sourceId, title: task.title };
    if (changes.length > 0) await patchPlanned(engine, client, row, task, changes, now);
    const edit = editOf.get(row.id);
    if (edit !== undefined) {
      const refusal = refuseEdges(row);
      if (refusal === null) changes.push('dependsOn');
      else report.refused.push({ ...reference, reason: refusal });
    }
    const statusRefusal = refuseStatus(row, task);
    if (statusRefusal !== null) report.refused.push({ ...reference, reason: statusRefusal });
    if (changes.length > 0) report.updated.push({ ...reference, changes });
    else if (edit === undefined) report.unchanged += 1;
  }
  if (edgesChanged) await renumberWaves(client, run.id, now);
  await patchPlannedRun(engine, client, run, plan, now);
  return {
    run: toRun(run),
    dryRun: false,
    created: fresh.map((task, index) => ({
      taskId: formatId('task', (made[index] as TaskRow).id),
      sourceId: task.sourceId,
      title: task.title,
    })),
    ...report,
    removed: [...stored.values()]
      .filter((row) => !planned.has(row.source_id as string))
      .map((row) => ({
        taskId: formatId('task', row.id),
        sourceId: row.source_id as string,
        title: row.title,
      })),
  };
}

/** References to tasks that are stored already, by their ids. */
function withKnownIds(task: PlannedTask, uuidOfKey: ReadonlyMap<string, string>): PlannedTask {
  const resolve = (name: string) => {
    const known = uuidOfKey.get(name);
    return known === undefined ? name : formatId('task', known);
  };
  return {
    ...task,
    dependsOn: task.dependsOn.map(resolve),
    parentId: task.parentId === null ? null : resolve(task.parentId),
  };
}

function uuidOfReference(name: string, uuidOfKey: ReadonlyMap<string, string>): string {
  const uuid = uuidOfKey.get(name) ?? parseId('task', name);
  if (uuid === null) {
    throw new NeolithError(
      'TASK_NOT_FOUND',
      `Task not found: ${name} (neither an id nor the key of a task of this plan)`,
      {
        details: { id: name },
      },
    );
  }
  return uuid;
}

/** As stored; of the metadata only what the plan speaks of, for progress reports add to it. */
function fieldsOf(row: TaskRow, task: PlannedTask): PlannedFields {
  return {
    title: row.title,
    description: row.description,
    acceptanceCriteria: row.acceptance_criteria,
    priority: row.priority,
    tags: row.tags,
    dueAt: row.due_at,
    orchestratorId: row.orchestrator_id,
    maxAttempts: row.max_attempts,
    timeoutSeconds: row.timeout_seconds,
    estimateMinutes: row.estimate_minutes,
    metadata: Object.fromEntries(Object.entries(row.metadata).filter(([key]) => key in task.metadata)),
  };
}

function fieldsOfPlan(task: PlannedTask): PlannedFields {
  return {
    ...task,
    tags: [...new Set(task.tags)],
    orchestratorId: task.orchestratorId === null ? null : uuidOf('orchestrator', task.orchestratorId),
  };
}

async function patchPlanned(
  engine: EngineContext,
  client: PoolClient,
  row: TaskRow,
  task: PlannedTask,
  changes: string[],
  now: Date,
): Promise<void> {
  const locked = await lockTask(client, row.id, null, formatId('task', row.id));
  const planned = fieldsOfPlan(task);
  const running = locked.status === 'IN_PROGRESS' || locked.status === 'MERGING';
  const patch = Object.fromEntries(
    changes
      // Who has it in hand keeps it.
      .filter((field) => !(running && field === 'orchestratorId'))
      .map((field) => [field, planned[field as keyof PlannedFields]]),
  ) as TaskPatch;
  // What progress reports have added stays beside what the plan says.
  const metadata = changes.includes('metadata')
    ? { metadata: { ...locked.metadata, ...planned.metadata } }
    : {};
  await patchTask(client, locked, { ...patch, ...metadata }, now);
  await tellTask(client, row.id, {
    event: 'task.updated',
    actor: engine.actor,
    now,
    data: { fields: changes },
  });
}

/** What of a stored task's prerequisites comes and goes. */
interface EdgeEdit {
  row: TaskRow;
  added: readonly string[];
  removed: readonly string[];
}

/** Null, or why the edges of this task stay as they are. */
function refuseEdges(row: TaskRow): string | null {
  return row.status === 'TODO' || row.status === 'BLOCKED'
    ? null
    : `Its dependencies stay as they are, for it is ${row.status}`;
}

/** Makes the edits that can be made; returns whether there were any. */
async function changeEdges(
  engine: EngineContext,
  client: PoolClient,
  edits: readonly EdgeEdit[],
): Promise<boolean> {
  const possible = edits.filter(({ row }) => refuseEdges(row) === null);
  const edge = (row: TaskRow, id: string) => ({
    taskId: formatId('task', row.id),
    dependsOn: formatId('task', id),
  });
  // All that goes before all that comes: turning an edge round makes no cycle on the way.
  for (const { row, removed } of possible)
    for (const id of removed) await unlinkTask(engine, client, edge(row, id));
  for (const { row, added } of possible)
    for (const id of added) await linkTask(engine, client, edge(row, id));
  return possible.length > 0;
}

function refuseStatus(row: TaskRow, task: PlannedTask): string | null {
  if (task.status === 'DONE' && row.status !== 'DONE')
    return `The plan says that it is done; here it is ${row.status}. Complete or cancel it`;
  if (task.status === 'CANCELLED' && row.status !== 'CANCELLED')
    return `The plan says that it is cancelled; here it is ${row.status}. Cancel it`;
  return null;
}

async function patchPlannedRun(
  engine: EngineContext,
  client: PoolClient,
  run: RunRow,
  plan: ParsedNewRun,
  now: Date,
): Promise<void> {
  const before = toRunConfig(run);
  // What the plan does not say may have been set since.
  const config = applySettings(before, plan.config);
  const orchestratorId =
    plan.orchestratorId === null ? run.orchestrator_id : uuidOf('orchestrator', plan.orchestratorId);
  const same =
    run.name === plan.name &&
    run.description === plan.description &&
    (plan.dueAt === null || run.due_at?.getTime() === plan.dueAt.getTime()) &&
    JSON.stringify(before) === JSON.stringify(config) &&
    run.orchestrator_id === orchestratorId;
  if (same || isRunEnded(run.status)) return;
  if (config.mergeStage !== before.mergeStage) await refuseLiveAttempts(client, run);
  await patchRun(client, run, {
    name: plan.name,
    description: plan.description,
    dueAt: plan.dueAt ?? run.due_at,
    config,
    orchestratorId,
    metadata: { ...run.metadata, ...plan.metadata },
    now,
  });
  await tellRun(client, run.id, { event: 'run.updated', actor: engine.actor, now, data: { by: 'import' } });
  await requeueRun(client, run.id, now);
}

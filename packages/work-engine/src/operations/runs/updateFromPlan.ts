import { isDeepStrictEqual } from 'node:util';
import { formatId, NeolithError, type PlanImportResult } from '@neolith/contracts';
import type { PoolClient } from 'pg';
import { applySettings } from '../../domain/applySettings.js';
import { buildGraph, findCycle } from '../../domain/graph/index.js';
import { isRunEnded } from '../../domain/runTransitions.js';
import type { EngineContext } from '../../engineContext.js';
import { uuidOf } from '../../ids.js';
import { readNow } from '../../store/lockTask.js';
import { patchParents } from '../../store/patchTask.js';
import { readRunEdges, readWholeRunTasks } from '../../store/readRun.js';
import { renumberWaves } from '../../store/renumberWaves.js';
import type { TaskRow } from '../../store/rows.js';
import { type RunRow, toRun, toRunConfig } from '../../store/runRows.js';
import { patchRun, requeueRun, tellRun } from '../../store/writeRun.js';
import { linkTask, unlinkTask } from '../changeDependencies.js';
import { insertNewTasks } from '../createTasks.js';
import { refuseLiveAttempts } from './moveRun.js';
import {
  changesOf,
  type ImportedPlan,
  type PlannedTask,
  patchPlanned,
  refuseStatus,
  uuidOfReference,
  withKnownIds,
} from './plannedTask.js';

/** Brings a locked run up to date with its plan, within a transaction. */
export async function updateFromPlan(
  engine: EngineContext,
  client: PoolClient,
  run: RunRow,
  plan: ImportedPlan,
): Promise<PlanImportResult> {
  const stored = new Map<string, TaskRow>();
  for (const row of await readWholeRunTasks(client, run.id))
    if (row.source_id !== null) stored.set(row.source_id, row);
  const fresh = plan.tasks.filter((task) => !stored.has(task.sourceId));
  if (isRunEnded(run.status) && fresh.length > 0) throw refuseNewTasks(run, plan, fresh.length);
  const now = await readNow(client, engine.now());
  const { made, uuidOfKey } = await createFresh(engine, client, run, { plan, stored, fresh });
  const known = plan.tasks.flatMap((task) => {
    const row = stored.get(task.sourceId);
    return row === undefined ? [] : [{ task, row }];
  });

  if (isRunEnded(run.status)) return leaveEnded(run, known, stored, plan);
  const editOf = await planEdges(client, run, known, uuidOfKey);
  const edgesChanged = await changeEdges(engine, client, [...editOf.values()]);
  const moved = await changeParents(client, plan, known, uuidOfKey);
  const updated: PlanImportResult['updated'] = [];
  const refused: PlanImportResult['refused'] = [];
  for (const { task, row } of known) {
    const reference = { taskId: formatId('task', row.id), sourceId: task.sourceId, title: task.title };
    const fields = changesOf(row, task);
    if (fields.length > 0) await patchPlanned(engine, client, row, task, fields, now);
    const edit = editOf.get(row.id);
    const edgeRefusal = edit === undefined ? null : refuseEdges(row);
    const changes = [
      ...fields,
      ...(moved.has(row.id) ? ['parentId'] : []),
      ...(edit !== undefined && edgeRefusal === null ? ['dependsOn'] : []),
    ];
    if (changes.length > 0) updated.push({ ...reference, changes });
    for (const reason of [edgeRefusal, refuseStatus(row, task)])
      if (reason !== null) refused.push({ ...reference, reason });
  }
  if (edgesChanged) await renumberWaves(client, run.id, now);
  await patchPlannedRun(engine, client, run, plan, now);
  return {
    run: toRun(run),
    dryRun: false,
    created: fresh.map((task, index) => ({
      taskId: formatId('task', made[index] as string),
      sourceId: task.sourceId,
      title: task.title,
    })),
    updated,
    refused,
    unchanged: known.length - new Set([...updated, ...refused].map(({ taskId }) => taskId)).size,
    removed: listRemoved(stored, plan),
  };
}

/** A run that is over stays as it is: what the plan has otherwise is refused, task by task. */
function leaveEnded(
  run: RunRow,
  known: readonly KnownTask[],
  stored: ReadonlyMap<string, TaskRow>,
  plan: ImportedPlan,
): PlanImportResult {
  const refused = known
    .filter(({ task, row }) => changesOf(row, task).length > 0)
    .map(({ task, row }) => ({
      taskId: formatId('task', row.id),
      sourceId: task.sourceId,
      title: task.title,
      reason: `It stays as it is, for its run is ${run.status}: ${changesOf(row, task).join(', ')}`,
    }));
  return {
    run: toRun(run),
    dryRun: false,
    created: [],
    updated: [],
    refused,
    unchanged: known.length - refused.length,
    removed: listRemoved(stored, plan),
  };
}

function listRemoved(stored: ReadonlyMap<string, TaskRow>, plan: ImportedPlan): PlanImportResult['removed'] {
  const planned = new Set(plan.tasks.map((task) => task.sourceId));
  return [...stored].flatMap(([sourceId, row]) =>
    planned.has(sourceId) ? [] : [{ taskId: formatId('task', row.id), sourceId, title: row.title }],
  );
}

function refuseNewTasks(run: RunRow, plan: ImportedPlan, newTasks: number): NeolithError {
  const runId = formatId('run', run.id);
  return new NeolithError(
    'RUN_ENDED',
    `Run ${runId} of source "${plan.source}" is ${run.status}, and the plan has ${newTasks} new task(s); reset the run, or give another source`,
    { details: { runId, status: run.status, newTasks } },
  );
}

/** Creates the tasks that are new, and tells which task each key of the plan stands for. */
async function createFresh(
  engine: EngineContext,
  client: PoolClient,
  run: RunRow,
  input: { plan: ImportedPlan; stored: ReadonlyMap<string, TaskRow>; fresh: readonly PlannedTask[] },
): Promise<{ made: string[]; uuidOfKey: Map<string, string> }> {
  const uuidOfKey = new Map<string, string>();
  for (const task of input.plan.tasks) {
    const known = input.stored.get(task.sourceId);
    if (known !== undefined) uuidOfKey.set(task.key, known.id);
  }
  const runId = formatId('run', run.id);
  const made = await insertNewTasks(
    engine,
    client,
    input.fresh.map((task) => ({ ...withKnownIds(task, uuidOfKey), runId })),
  );
  for (const [index, uuid] of made.entries()) uuidOfKey.set((input.fresh[index] as PlannedTask).key, uuid);
  return { made, uuidOfKey };
}

interface KnownTask {
  task: PlannedTask;
  row: TaskRow;
}

/** What of a stored task's prerequisites comes and goes. */
interface EdgeEdit {
  row: TaskRow;
  added: readonly string[];
  removed: readonly string[];
}

async function planEdges(
  client: PoolClient,
  run: RunRow,
  known: readonly KnownTask[],
  uuidOfKey: ReadonlyMap<string, string>,
): Promise<Map<string, EdgeEdit>> {
  const prerequisitesOf = new Map<string, Set<string>>();
  for (const edge of await readRunEdges(client, run.id)) {
    const others = prerequisitesOf.get(edge.dependent_id);
    if (others === undefined) prerequisitesOf.set(edge.dependent_id, new Set([edge.prerequisite_id]));
    else others.add(edge.prerequisite_id);
  }
  const editOf = new Map<string, EdgeEdit>();
  for (const { task, row } of known) {
    const wanted = new Set(task.dependsOn.map((name) => uuidOfReference(name, uuidOfKey)));
    const has = prerequisitesOf.get(row.id) ?? new Set<string>();
    const added = [...wanted].filter((id) => !has.has(id));
    const removed = [...has].filter((id) => !wanted.has(id));
    if (added.length + removed.length > 0) editOf.set(row.id, { row, added, removed });
  }
  return editOf;
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

/** Gives tasks the parents that the plan has for them; returns those that got another. Errors: INVALID_INPUT for a circle. */
async function changeParents(
  client: PoolClient,
  plan: ImportedPlan,
  known: readonly KnownTask[],
  uuidOfKey: ReadonlyMap<string, string>,
): Promise<Set<string>> {
  const parentOf = (task: PlannedTask) =>
    task.parentId === null ? null : uuidOfReference(task.parentId, uuidOfKey);
  const moved = known
    .map(({ task, row }) => ({ id: row.id, was: row.parent_id, parent: parentOf(task) }))
    .filter(({ was, parent }) => was !== parent);
  if (moved.length === 0) return new Set();
  const { graph } = buildGraph(
    plan.tasks.map((task) => {
      const parent = parentOf(task);
      return { id: uuidOfKey.get(task.key) as string, dependsOn: parent === null ? [] : [parent] };
    }),
  );
  const circle = findCycle(graph);
  if (circle !== null) {
    const path = circle.map((id) => formatId('task', id));
    throw new NeolithError('INVALID_INPUT', `These tasks are one another's parents: ${path.join(' → ')}`, {
      details: { path },
    });
  }
  await patchParents(client, moved);
  return new Set(moved.map(({ id }) => id));
}

async function patchPlannedRun(
  engine: EngineContext,
  client: PoolClient,
  run: RunRow,
  plan: ImportedPlan,
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
    Object.entries(plan.metadata).every(([key, value]) => isDeepStrictEqual(run.metadata[key], value)) &&
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

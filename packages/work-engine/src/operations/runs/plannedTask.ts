import {
  formatId,
  NeolithError,
  type ParsedNewRun,
  type ParsedNewTask,
  parseId,
  type TaskPatch,
} from '@neolith/contracts';
import type { PoolClient } from 'pg';
import { changedFields, type PlannedFields } from '../../domain/comparePlan.js';
import { loadUses, storeUses } from '../../domain/resources/storeUses.js';
import { storeBackoff } from '../../domain/storeBackoff.js';
import type { EngineContext } from '../../engineContext.js';
import { uuidOf } from '../../ids.js';
import { lockTask } from '../../store/lockTask.js';
import { tellTask } from '../../store/moveTask.js';
import { patchTask } from '../../store/patchTask.js';
import type { TaskRow } from '../../store/rows.js';

/** A task of a plan that is imported: it can be found again, and others name it by its key. */
export type PlannedTask = ParsedNewTask & { sourceId: string; key: string };
export type ImportedPlan = Omit<ParsedNewRun, 'tasks' | 'source'> & { source: string; tasks: PlannedTask[] };

/** References to tasks that are stored already, by their ids. */
export function withKnownIds(task: PlannedTask, uuidOfKey: ReadonlyMap<string, string>): PlannedTask {
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

/** The task that a name of the plan stands for. Errors: TASK_NOT_FOUND. */
export function uuidOfReference(name: string, uuidOfKey: ReadonlyMap<string, string>): string {
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

/** In which fields the plan differs from what is stored. */
export function changesOf(row: TaskRow, task: PlannedTask): (keyof PlannedFields)[] {
  return changedFields(fieldsOf(row, task), fieldsOfPlan(row, task));
}

/** As stored; of the metadata only what the plan speaks of, for progress reports add to it. */
function fieldsOf(row: TaskRow, task: PlannedTask): PlannedFields {
  return {
    title: row.title,
    description: row.description,
    acceptanceCriteria: row.acceptance_criteria,
    priority: row.priority,
    tags: row.tags,
    resources: loadUses(row.resources),
    dueAt: row.due_at,
    orchestratorId: row.orchestrator_id,
    maxAttempts: row.max_attempts,
    backoff: row.backoff ?? null,
    timeoutSeconds: row.timeout_seconds,
    estimateMinutes: row.estimate_minutes,
    metadata: Object.fromEntries(Object.entries(row.metadata).filter(([key]) => key in task.metadata)),
  };
}

function fieldsOfPlan(row: TaskRow, task: PlannedTask): PlannedFields {
  return {
    ...task,
    tags: [...new Set(task.tags)],
    resources: loadUses(storeUses(task.resources)),
    backoff: storeBackoff(task.backoff),
    // A plan that names nobody leaves it with whom it was given to since.
    orchestratorId:
      task.orchestratorId === null ? row.orchestrator_id : uuidOf('orchestrator', task.orchestratorId),
  };
}

/** Writes what the plan has otherwise. */
export async function patchPlanned(
  engine: EngineContext,
  client: PoolClient,
  row: TaskRow,
  task: PlannedTask,
  changes: readonly (keyof PlannedFields)[],
  now: Date,
): Promise<void> {
  const locked = await lockTask(client, row.id, null, formatId('task', row.id));
  const planned = fieldsOfPlan(row, task);
  const running = locked.status === 'IN_PROGRESS' || locked.status === 'MERGING';
  const patch = Object.fromEntries(
    changes
      // Who has it in hand keeps it.
      .filter((field) => !(running && field === 'orchestratorId'))
      .map((field) => [field, planned[field]]),
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
    data: { fields: [...changes] },
  });
}

/** Null, or what the plan says of the status that can't be had. */
export function refuseStatus(row: TaskRow, task: PlannedTask): string | null {
  if (task.status === 'DONE' && row.status !== 'DONE')
    return `The plan says that it is done; here it is ${row.status}. Complete or cancel it`;
  if (task.status === 'CANCELLED' && row.status !== 'CANCELLED')
    return `The plan says that it is cancelled; here it is ${row.status}. Cancel it`;
  return null;
}

import type { BackoffSettings, TaskPatch } from '@neolith/contracts';
import type { PoolClient } from 'pg';
import { storeUses } from '../domain/resources/storeUses.js';
import { storeBackoff } from '../domain/storeBackoff.js';
import type { TaskRow } from './rows.js';
import { run } from './sql.js';

const LEAVE_QUEUE = { name: 'patch_leave_queue', text: 'SELECT dequeue_tasks(ARRAY[$1::uuid])' };
const ARRIVE_QUEUE = { name: 'patch_arrive_queue', text: 'SELECT enqueue_tasks(ARRAY[$1::uuid], $2)' };
const FOLLOW_BLOCKED = {
  name: 'patch_blocked',
  text: 'UPDATE blocked_tasks b SET orchestrator_id = t.orchestrator_id, priority = t.priority FROM tasks t WHERE t.id = $1 AND b.task_id = t.id',
};
const WRITE = {
  name: 'patch_task',
  text: `
    UPDATE tasks SET title = $2, description = $3, acceptance_criteria = $4, orchestrator_id = $5, channel_id = $6, priority = $7::task_priority,
      tags = $8, due_at = $9, max_attempts = $10, timeout_seconds = $11, estimate_minutes = $12, metadata = $13::jsonb, updated_at = $14, resources = $15, backoff = $16::jsonb
    WHERE id = $1 RETURNING *`,
};

/** Writes a patch to a locked task, and to where it stands. Ids in the patch are UUIDs. */
export async function patchTask(
  client: PoolClient,
  task: TaskRow,
  patch: TaskPatch,
  now: Date,
): Promise<TaskRow> {
  if (task.status === 'TODO') await run(client, LEAVE_QUEUE, [task.id]);
  const rows = await run<TaskRow>(client, WRITE, [
    task.id,
    patch.title ?? task.title,
    patch.description ?? task.description,
    patch.acceptanceCriteria ?? task.acceptance_criteria,
    patch.orchestratorId === undefined ? task.orchestrator_id : patch.orchestratorId,
    patch.channelId === undefined ? task.channel_id : patch.channelId,
    patch.priority ?? task.priority,
    patch.tags === undefined ? task.tags : [...new Set(patch.tags)],
    patch.dueAt === undefined ? task.due_at : patch.dueAt,
    patch.maxAttempts ?? task.max_attempts,
    patch.timeoutSeconds === undefined ? task.timeout_seconds : patch.timeoutSeconds,
    patch.estimateMinutes === undefined ? task.estimate_minutes : patch.estimateMinutes,
    JSON.stringify(patch.metadata ?? task.metadata),
    now,
    patch.resources === undefined ? task.resources : storeUses(patch.resources),
    toJson(storeBackoff(patch.backoff === undefined ? task.backoff : patch.backoff)),
  ]);
  if (task.status === 'TODO') await run(client, ARRIVE_QUEUE, [task.id, now]);
  if (task.status === 'BLOCKED') await run(client, FOLLOW_BLOCKED, [task.id]);
  return rows[0] as TaskRow;
}

function toJson(value: BackoffSettings | null): string | null {
  return value === null ? null : JSON.stringify(value);
}

const PARENTS = {
  name: 'patch_parents',
  text: `
    WITH w AS (SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS w(id, parent)),
    locked AS (SELECT t.id FROM tasks t JOIN w ON w.id = t.id ORDER BY t.id FOR NO KEY UPDATE)
    UPDATE tasks t SET parent_id = w.parent FROM w JOIN locked l ON l.id = w.id WHERE t.id = w.id`,
};

/** Gives tasks other parents, or none. */
export async function patchParents(
  client: PoolClient,
  tasks: readonly { id: string; parent: string | null }[],
): Promise<void> {
  await run(client, PARENTS, [tasks.map((task) => task.id), tasks.map((task) => task.parent)]);
}

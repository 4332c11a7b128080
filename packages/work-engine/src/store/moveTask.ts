import type { Json, TaskStatus } from '@neolith/contracts';
import type { PoolClient } from 'pg';
import type { TaskRow } from './rows.js';
import { run } from './sql.js';

/**
 * Moves one locked task that is not running: leaves where it stands, changes its row, and arrives where its new
 * status belongs. The one way for people's verbs to change a status; claims and settlements have their own.
 */
const LEAVE_QUEUE = { name: 'leave_queue', text: 'SELECT dequeue_tasks(ARRAY[$1::uuid])' };
const LEAVE_BLOCKED = { name: 'leave_blocked', text: 'DELETE FROM blocked_tasks WHERE task_id = $1' };
const LEAVE_OUTCOME = { name: 'leave_outcome', text: 'DELETE FROM task_outcomes WHERE task_id = $1' };

const WRITE = {
  name: 'move_task',
  text: `
    UPDATE tasks SET
      status = $2::task_status,
      updated_at = $3,
      finished_at = CASE WHEN $2::task_status IN ('DONE', 'FAILED', 'CANCELLED') THEN $3::timestamptz END,
      available_at = CASE WHEN $2::task_status IN ('TODO', 'BLOCKED') THEN available_at END,
      progress = CASE WHEN status IN ('DONE', 'FAILED', 'CANCELLED') AND $2::task_status IN ('TODO', 'BLOCKED') THEN 0 ELSE progress END,
      blocked_reason = CASE WHEN $2::task_status = 'BLOCKED' THEN $4 END,
      blocked_question = CASE WHEN $2::task_status = 'BLOCKED' THEN $5 END,
      answer = coalesce($6, answer),
      failure_count = CASE WHEN $7 THEN 0 ELSE failure_count END,
      provider_failure_count = CASE WHEN $7 THEN 0 ELSE provider_failure_count END,
      infrastructure_failure_count = CASE WHEN $7 THEN 0 ELSE infrastructure_failure_count END,
      lost_count = CASE WHEN $7 THEN 0 ELSE lost_count END,
      merge_failure_count = CASE WHEN $7 THEN 0 ELSE merge_failure_count END,
      cancel_asked = CASE WHEN $8 THEN true WHEN $7 THEN NULL ELSE cancel_asked END
    WHERE id = $1 RETURNING *`,
};

const ARRIVE_TODO = { name: 'arrive_todo', text: 'SELECT enqueue_tasks(ARRAY[$1::uuid], $2)' };
const ARRIVE_BLOCKED = {
  name: 'arrive_blocked',
  text: `
    INSERT INTO blocked_tasks (task_id, workspace_id, orchestrator_id, unmet, reported, priority)
    SELECT id, workspace_id, orchestrator_id, $2, $3, priority FROM tasks WHERE id = $1`,
};
const STAY_BLOCKED = {
  name: 'stay_blocked',
  // The count stays: a completion that waits for this very row has still to take its share off it.
  text: 'UPDATE blocked_tasks SET reported = $2 WHERE task_id = $1',
};
const ARRIVE_FINAL = {
  name: 'arrive_final',
  text: `
    INSERT INTO task_outcomes (task_id, workspace_id, orchestrator_id, attempt_id, finished_at, claimed_at, due_at, attempts, status, priority)
    SELECT t.id, t.workspace_id, t.orchestrator_id, (SELECT a.id FROM attempts a WHERE a.task_id = t.id ORDER BY a.number DESC, a.id DESC LIMIT 1),
           t.finished_at, t.claimed_at, t.due_at, t.attempt_count, t.status, t.priority
    FROM tasks t WHERE t.id = $1`,
};

const TELL = {
  name: 'tell_task',
  text: `
    INSERT INTO events (workspace_id, task_id, orchestrator_id, run_id, attempt_id, daemon_id, at, type, actor, "from", "to", data)
    SELECT workspace_id, id, orchestrator_id, run_id, $8, $9, $2, $3, $4, $5, $6, $7::jsonb FROM tasks WHERE id = $1`,
};

export interface TaskMove {
  to: Exclude<TaskStatus, 'IN_PROGRESS' | 'MERGING'>;
  event: string;
  actor: string;
  now: Date;
  /** How many prerequisites are unmet, on the way to BLOCKED from elsewhere; a task that stays BLOCKED keeps its count. */
  unmet?: number;
  reason?: string | null;
  question?: string | null;
  answer?: string | null;
  /** Failures and losses are forgotten: a fresh set of budgets. */
  freshBudgets?: boolean;
  /** Somebody asked to cancel this very task. */
  cancelAsked?: boolean;
  data?: Record<string, Json>;
}

export async function moveTask(client: PoolClient, task: TaskRow, move: TaskMove): Promise<TaskRow> {
  const staysBlocked = task.status === 'BLOCKED' && move.to === 'BLOCKED';
  if (task.status === 'TODO') await run(client, LEAVE_QUEUE, [task.id]);
  else if (staysBlocked) await run(client, STAY_BLOCKED, [task.id, move.reason != null]);
  else if (task.status === 'BLOCKED') await run(client, LEAVE_BLOCKED, [task.id]);
  else await run(client, LEAVE_OUTCOME, [task.id]);

  const reason = move.reason ?? null;
  const rows = await run<TaskRow>(client, WRITE, [
    task.id,
    move.to,
    move.now,
    reason,
    move.question ?? null,
    move.answer ?? null,
    move.freshBudgets ?? false,
    move.cancelAsked ?? false,
  ]);

  if (move.to === 'TODO') await run(client, ARRIVE_TODO, [task.id, move.now]);
  else if (move.to !== 'BLOCKED') await run(client, ARRIVE_FINAL, [task.id]);
  else if (!staysBlocked) await run(client, ARRIVE_BLOCKED, [task.id, move.unmet ?? 0, reason !== null]);

  await tellTask(client, task.id, { ...move, from: task.status });
  return rows[0] as TaskRow;
}

/** Appends one event about a task. */
export async function tellTask(
  client: PoolClient,
  taskId: string,
  told: {
    event: string;
    actor: string;
    now: Date;
    from?: string | null;
    to?: string | null;
    data?: Record<string, Json>;
    /** Of an event about a live attempt: whose it is. */
    attempt?: { id: string; daemonId: string | null };
  },
): Promise<void> {
  await run(client, TELL, [
    taskId,
    told.now,
    told.event,
    told.actor,
    told.from ?? null,
    told.to ?? null,
    told.data === undefined ? null : JSON.stringify(told.data),
    told.attempt?.id ?? null,
    told.attempt?.daemonId ?? null,
  ]);
}

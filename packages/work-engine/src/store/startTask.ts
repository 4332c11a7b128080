import type { RunStatus, TaskStatus } from '@neolith/contracts';
import { isNeolithError } from '@neolith/contracts';
import type { PoolClient } from 'pg';
import { lockTask, readNow } from './lockTask.js';
import type { TaskRow } from './rows.js';
import { type RunGate, readRunGate } from './runGate.js';
import { run } from './sql.js';

export type StartOutcome =
  | { kind: 'started'; attemptId: string; startedAt: Date }
  | { kind: 'orchestrator_not_found' }
  | { kind: 'daemon_not_found' }
  | { kind: 'task_not_found' }
  | { kind: 'not_assigned' }
  | { kind: 'at_capacity'; limit: number }
  | { kind: 'run_not_running'; runId: string; status: RunStatus }
  | { kind: 'run_at_capacity'; runId: string }
  | { kind: 'wave_not_open'; runId: string; wave: number }
  | { kind: 'resources_in_use' }
  | { kind: 'not_todo'; status: TaskStatus };

const LOCK_ORCHESTRATOR = {
  name: 'lock_orchestrator',
  text: `SELECT max_concurrent_tasks AS "limit" FROM orchestrators
         WHERE id = $1 AND ($2::uuid IS NULL OR workspace_id = $2) FOR NO KEY UPDATE`,
};
const FIND_DAEMON = {
  name: 'find_daemon_of',
  text: `SELECT 1 FROM daemons d JOIN orchestrators o ON o.workspace_id = d.workspace_id WHERE d.id = $1 AND o.id = $2`,
};
const COUNT_LEASES = {
  name: 'count_leases',
  text: 'SELECT slots_in_use($1, m) AS running FROM usable_mark($1) m',
};
const LEAVE_QUEUE = { name: 'start_leave_queue', text: 'SELECT dequeue_tasks(ARRAY[$1::uuid])' };
const START = {
  name: 'start_task',
  text: `
    WITH started AS (
      UPDATE tasks SET status = 'IN_PROGRESS', attempt_count = attempt_count + 1, claimed_at = $7, updated_at = $7,
                       progress = 0, progress_message = NULL, available_at = NULL
      WHERE id = $1 RETURNING *
    ), leased AS (
      INSERT INTO leases (task_id, attempt_id, workspace_id, orchestrator_id, daemon_id, run_id, claimed_at, expires_at, number, lease_seconds, agent, holds)
      SELECT id, $2, workspace_id, orchestrator_id, $3, run_id, $7, $7::timestamptz + $5::int * interval '1 second', attempt_count, $5, $4, resources IS NOT NULL FROM started
    )
    INSERT INTO events (workspace_id, task_id, attempt_id, orchestrator_id, daemon_id, run_id, at, type, actor, "from", "to", data)
    SELECT workspace_id, id, $2, orchestrator_id, $3, run_id, $7, 'task.claimed', $6, 'TODO', 'IN_PROGRESS',
           jsonb_build_object('attempt', attempt_count, 'named', true)
    FROM started`,
};

const LOCK_RESOURCES = { name: 'lock_resources', text: 'SELECT lock_resources($1)' };
const ASK_RESOURCES = {
  name: 'ask_resources',
  text: 'SELECT resources_free($1, $2, u.owners, u.uses) AS free FROM resources_in_use($3, $4) u',
};

/** Starts one named task, under the same locks and limits as a claim. */
export async function startTask(
  client: PoolClient,
  input: {
    workspaceId: string | null;
    orchestratorId: string;
    taskId: string;
    attemptId: string;
    daemonId: string | null;
    agent: string | null;
    actor: string;
    leaseSeconds: number | null;
    now: Date | null;
  },
): Promise<StartOutcome> {
  const [orchestrator] = await run<{ limit: number }>(client, LOCK_ORCHESTRATOR, [
    input.orchestratorId,
    input.workspaceId,
  ]);
  if (orchestrator === undefined) return { kind: 'orchestrator_not_found' };
  if (
    input.daemonId !== null &&
    (await run(client, FIND_DAEMON, [input.daemonId, input.orchestratorId])).length === 0
  )
    return { kind: 'daemon_not_found' };
  let task: TaskRow;
  try {
    task = await lockTask(client, input.taskId, input.workspaceId, input.taskId);
  } catch (error) {
    if (isNeolithError(error)) return { kind: 'task_not_found' };
    throw error;
  }
  if (task.orchestrator_id !== input.orchestratorId) return { kind: 'not_assigned' };
  if (task.status !== 'TODO') return { kind: 'not_todo', status: task.status };
  const [count] = await run<{ running: number }>(client, COUNT_LEASES, [input.orchestratorId]);
  if ((count as { running: number }).running >= orchestrator.limit)
    return { kind: 'at_capacity', limit: orchestrator.limit };
  const startedAt = await readNow(client, input.now);
  if (task.run_id !== null) {
    // Locked with the task.
    const { status, room, isHeld } = (await readRunGate(client, task.id, startedAt)) as RunGate;
    if (status !== 'RUNNING') return { kind: 'run_not_running', runId: task.run_id, status };
    if (isHeld) return { kind: 'wave_not_open', runId: task.run_id, wave: task.wave ?? 0 };
    if (room <= 0) return { kind: 'run_at_capacity', runId: task.run_id };
  }
  if (task.resources !== null) {
    await run(client, LOCK_RESOURCES, [task.workspace_id]);
    const [answer] = await run<{ free: boolean }>(client, ASK_RESOURCES, [
      task.id,
      task.resources,
      task.workspace_id,
      startedAt,
    ]);
    if (answer?.free !== true) return { kind: 'resources_in_use' };
  }
  await run(client, LEAVE_QUEUE, [task.id]);
  await run(client, START, [
    task.id,
    input.attemptId,
    input.daemonId,
    input.agent,
    input.leaseSeconds,
    input.actor,
    startedAt,
  ]);
  return { kind: 'started', attemptId: input.attemptId, startedAt };
}

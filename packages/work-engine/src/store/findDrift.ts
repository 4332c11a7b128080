import type { TaskStatus } from '@neolith/contracts';
import type { PoolClient } from 'pg';
import { readNow } from './lockTask.js';
import { tellTask } from './moveTask.js';
import { countUnmet } from './prerequisites.js';
import { run } from './sql.js';

/** A task that does not stand where it should. */
export interface DriftRow {
  task_id: string;
  status: TaskStatus;
  problem: string;
  should_be: TaskStatus;
  unmet: number;
  reported: boolean;
}

/** The whole comparison, of the tasks that `which` names by $1; tags and edges are counted in one go each. */
const drift = (which: { tasks: string; tags: string; edges: string }) => `
    WITH tags AS (
      SELECT k.task_id, count(*) AS amount,
             count(*) FILTER (WHERE k.orchestrator_id = r.orchestrator_id AND k.priority = r.priority AND k.due_at = r.due_at
                                AND k.created_at = r.created_at AND k.tag = ANY (r.tags)) AS fitting
      FROM ready_task_tags k LEFT JOIN ready_tasks r ON r.task_id = k.task_id WHERE ${which.tags} GROUP BY k.task_id
    ), waiting AS (
      SELECT e.dependent_id, count(*)::int AS unmet FROM task_dependencies e JOIN tasks p ON p.id = e.prerequisite_id
      WHERE ${which.edges} AND p.status <> 'DONE' AND NOT e.released GROUP BY e.dependent_id
    ), facts AS (
      SELECT t.id, t.status, t.blocked_reason IS NOT NULL AS reported, b.unmet AS counted, b.reported AS marked,
             (r.task_id IS NOT NULL)::int AS ready, (d.task_id IS NOT NULL)::int AS delayed, (b.task_id IS NOT NULL)::int AS blocked,
             (l.task_id IS NOT NULL)::int AS leased, coalesce(l.merging, false) AS merging, (m.task_id IS NOT NULL) AS queued, (o.task_id IS NOT NULL)::int AS finished, o.status AS outcome,
             coalesce(w.unmet, 0) AS unmet,
             coalesce(r.orchestrator_id, d.orchestrator_id, b.orchestrator_id, l.orchestrator_id) IS DISTINCT FROM t.orchestrator_id
               OR coalesce(r.workspace_id, d.workspace_id, b.workspace_id, l.workspace_id) IS DISTINCT FROM t.workspace_id AS elsewhere,
             CASE WHEN coalesce(r.task_id, d.task_id) IS NOT NULL THEN nullif(coalesce(r.run_id, d.run_id), '00000000-0000-0000-0000-000000000000') IS DISTINCT FROM t.run_id
                  ELSE l.task_id IS NOT NULL AND l.run_id IS DISTINCT FROM t.run_id END AS astray,
             coalesce(r.priority, d.priority, b.priority) IS DISTINCT FROM t.priority AS reprioritised,
             coalesce(r.due_at, d.due_at) IS DISTINCT FROM coalesce(t.due_at, 'infinity')
               OR coalesce(r.created_at, d.created_at) IS DISTINCT FROM t.created_at
               OR d.available_at IS DISTINCT FROM held_until(t.available_at, t.wave, u) AND d.task_id IS NOT NULL
               OR r.task_id IS NOT NULL AND held_until(NULL, t.wave, u) = 'infinity' AS redated,
             coalesce(r.resources, d.resources) IS DISTINCT FROM t.resources AS relocked,
             coalesce(r.tags, d.tags) IS DISTINCT FROM t.tags
               OR coalesce(g.amount, 0) <> CASE WHEN r.orchestrator_id IS NULL THEN 0
                                                ELSE (SELECT count(DISTINCT x) FROM unnest(t.tags) x) END
               OR coalesce(g.amount, 0) <> coalesce(g.fitting, 0) AS retagged,
             coalesce(g.amount, 0) AS tagged
      FROM tasks t
      LEFT JOIN runs u ON u.id = t.run_id
      LEFT JOIN merges m ON m.task_id = t.id
      LEFT JOIN ready_tasks r ON r.task_id = t.id
      LEFT JOIN delayed_tasks d ON d.task_id = t.id
      LEFT JOIN blocked_tasks b ON b.task_id = t.id
      LEFT JOIN leases l ON l.task_id = t.id
      LEFT JOIN task_outcomes o ON o.task_id = t.id
      LEFT JOIN tags g ON g.task_id = t.id
      LEFT JOIN waiting w ON w.dependent_id = t.id
      WHERE ${which.tasks}
    ), judged AS (
      SELECT f.*,
             CASE WHEN f.status IN ('DONE', 'FAILED', 'CANCELLED') THEN f.status
                  WHEN f.leased = 1 THEN (CASE WHEN f.merging AND f.queued THEN 'MERGING' ELSE 'IN_PROGRESS' END)::task_status
                  WHEN f.unmet > 0 OR f.reported THEN 'BLOCKED'
                  ELSE 'TODO' END AS should_be
      FROM facts f
    )
    SELECT j.id AS task_id, j.status, j.should_be::task_status, j.unmet, j.reported,
      CASE
        WHEN j.ready + j.delayed + j.blocked + j.leased + j.finished <> 1 THEN
          format('stands in %s places: %s', j.ready + j.delayed + j.blocked + j.leased + j.finished,
                 concat_ws(', ', CASE WHEN j.ready = 1 THEN 'ready' END, CASE WHEN j.delayed = 1 THEN 'delayed' END,
                           CASE WHEN j.blocked = 1 THEN 'blocked' END, CASE WHEN j.leased = 1 THEN 'leased' END, CASE WHEN j.finished = 1 THEN 'finished' END))
        WHEN j.status <> j.should_be THEN format('is %s and should be %s', j.status, j.should_be)
        WHEN j.should_be = 'BLOCKED' AND j.counted IS DISTINCT FROM j.unmet THEN format('counts %s unmet prerequisites and has %s', j.counted, j.unmet)
        WHEN j.should_be = 'BLOCKED' AND j.marked IS DISTINCT FROM j.reported THEN 'is marked as reported and has no reason, or the other way round'
        WHEN j.should_be = 'BLOCKED' AND j.blocked = 0 OR j.should_be = 'TODO' AND j.ready + j.delayed = 0
          OR j.finished = 1 AND (j.outcome <> j.status OR j.status NOT IN ('DONE', 'FAILED', 'CANCELLED')) THEN format('is %s and stands elsewhere', j.status)
        WHEN j.merging <> j.queued THEN 'is merging and has no place in the merge queue, or the other way round'
        WHEN j.astray THEN 'stands in another run'
        WHEN j.finished = 0 AND j.elsewhere THEN 'stands with another orchestrator'
        WHEN j.should_be IN ('TODO', 'BLOCKED') AND j.reprioritised THEN 'stands with another priority'
        WHEN j.should_be = 'TODO' AND j.redated THEN 'stands with another due date'
        WHEN j.should_be = 'TODO' AND j.relocked THEN 'stands with other resources'
        WHEN j.should_be = 'TODO' AND j.retagged OR j.should_be <> 'TODO' AND j.tagged > 0 THEN 'has other tags than it is found by'
      END AS problem
    FROM judged j`;

const found = (which: Parameters<typeof drift>[0]) =>
  `SELECT * FROM (${drift(which)}) x WHERE problem IS NOT NULL ORDER BY task_id`;
const OF_WORKSPACE = {
  name: 'find_drift',
  text: found({ tasks: '$1::uuid IS NULL OR t.workspace_id = $1', tags: 'true', edges: 'true' }),
};
const OF_SLICE = {
  name: 'find_drift_of_slice',
  // A range of ids, as the keys of all tables have them: what it reads depends on how many tasks it is about.
  text: found({
    tasks: 't.id > $1 AND t.id <= $2 AND ($3::uuid IS NULL OR t.workspace_id = $3)',
    tags: 'k.task_id > $1 AND k.task_id <= $2',
    edges: 'e.dependent_id > $1 AND e.dependent_id <= $2',
  }),
};
const END_OF_SLICE = {
  name: 'end_of_drift_slice',
  text: `
    SELECT (array_agg(id ORDER BY id DESC))[1] AS last, count(*)::int AS checked
    FROM (SELECT id FROM tasks WHERE id > $1 AND ($3::uuid IS NULL OR workspace_id = $3) ORDER BY id LIMIT $2) x`,
};
const OF_TASK = {
  name: 'find_drift_of',
  text: found({ tasks: 't.id = $1', tags: 'k.task_id = $1', edges: 'e.dependent_id = $1' }),
};

/** Compares where every task stands with what its edges, its lease and its row say, in one snapshot. */
export async function findDrift(
  client: PoolClient,
  workspaceId: string | null,
): Promise<{ checked: number; drifted: DriftRow[] }> {
  const [count] = await run<{ checked: number }>(client, COUNT, [workspaceId]);
  // Everything with everything: on tables without statistics yet, loops within loops would take for ever.
  await run(client, NO_LOOPS, []);
  return {
    checked: (count as { checked: number }).checked,
    drifted: await run<DriftRow>(client, OF_WORKSPACE, [workspaceId]),
  };
}

/** Before all ids. */
export const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/**
 * The same for the next `limit` tasks by id after `after`: for those who look at all of them bit by bit.
 *
 * @returns `last`: where the next slice begins; null: this was the last one
 */
export async function findDriftInSlice(
  client: PoolClient,
  input: { workspaceId: string | null; after: string; limit: number },
): Promise<{ checked: number; drifted: DriftRow[]; last: string | null }> {
  const { workspaceId, after, limit } = input;
  const [end] = await run<{ last: string | null; checked: number }>(client, END_OF_SLICE, [
    after,
    limit,
    workspaceId,
  ]);
  const { last, checked } = end as { last: string | null; checked: number };
  if (last === null) return { checked: 0, drifted: [], last: null };
  const drifted = await run<DriftRow>(client, OF_SLICE, [after, last, workspaceId]);
  return { checked, drifted, last: checked < limit ? null : last };
}

const NO_LOOPS = { name: 'drift_no_loops', text: `SELECT set_config('enable_nestloop', 'off', true)` };

const COUNT = {
  name: 'count_checked',
  text: 'SELECT count(*)::int AS checked FROM tasks WHERE $1::uuid IS NULL OR workspace_id = $1',
};

/** Wherever it may stand, in the order of everybody. A task that has drifted may stand in several places. */
const LOCK_PLACES = ['leases', 'blocked_tasks', 'ready_tasks', 'delayed_tasks'].map((table) => ({
  name: `repair_lock_${table}`,
  text: `SELECT 1 FROM ${table} WHERE task_id = $1 FOR UPDATE`,
}));
const LOCK_RUN = {
  name: 'repair_lock_run',
  text: 'SELECT 1 FROM runs WHERE id = (SELECT run_id FROM tasks WHERE id = $1) FOR NO KEY UPDATE',
};
const LOCK = { name: 'repair_lock', text: 'SELECT 1 FROM tasks WHERE id = $1 FOR NO KEY UPDATE' };
const FOLLOW_LEASE = {
  name: 'repair_lease',
  text: `UPDATE leases l SET orchestrator_id = t.orchestrator_id, workspace_id = t.workspace_id, run_id = t.run_id, merging = t.status = 'MERGING'
         FROM tasks t WHERE t.id = $1 AND l.task_id = t.id`,
};
const LEAVE_EVERYWHERE = [
  { name: 'repair_leave_ready', text: 'DELETE FROM ready_tasks WHERE task_id = $1' },
  { name: 'repair_leave_tags', text: 'DELETE FROM ready_task_tags WHERE task_id = $1' },
  { name: 'repair_leave_delayed', text: 'DELETE FROM delayed_tasks WHERE task_id = $1' },
  { name: 'repair_leave_blocked', text: 'DELETE FROM blocked_tasks WHERE task_id = $1' },
];
const LEAVE_MERGES = { name: 'repair_leave_merges', text: 'DELETE FROM merges WHERE task_id = $1' };
const LEAVE_OUTCOME = { name: 'repair_leave_outcome', text: 'DELETE FROM task_outcomes WHERE task_id = $1' };
const ARRIVE_TODO = { name: 'repair_arrive_todo', text: 'SELECT enqueue_tasks(ARRAY[$1::uuid], $2)' };
const ARRIVE_BLOCKED = {
  name: 'repair_arrive_blocked',
  text: `INSERT INTO blocked_tasks (task_id, workspace_id, orchestrator_id, unmet, reported, priority)
         SELECT id, workspace_id, orchestrator_id, $2, $3, priority FROM tasks WHERE id = $1`,
};
const ARRIVE_FINAL = {
  name: 'repair_arrive_final',
  text: `INSERT INTO task_outcomes (task_id, workspace_id, orchestrator_id, attempt_id, finished_at, claimed_at, due_at, attempts, status, priority)
         SELECT t.id, t.workspace_id, t.orchestrator_id, (SELECT a.id FROM attempts a WHERE a.task_id = t.id ORDER BY a.number DESC, a.id DESC LIMIT 1),
                t.finished_at, t.claimed_at, t.due_at, t.attempt_count, t.status, t.priority
         FROM tasks t WHERE t.id = $1`,
};
const WRITE = {
  name: 'repair_write',
  text: `UPDATE tasks SET status = $2::task_status, updated_at = $3,
           claimed_at = CASE WHEN $2::task_status = 'IN_PROGRESS' THEN coalesce(claimed_at, $3) ELSE claimed_at END,
           blocked_reason = CASE WHEN $2::task_status = 'BLOCKED' THEN blocked_reason END,
           blocked_question = CASE WHEN $2::task_status = 'BLOCKED' THEN blocked_question END
         WHERE id = $1`,
};

/** Looks again under the task's lock and puts it where it belongs; null: it was right by then. */
export async function repairTask(
  client: PoolClient,
  input: { taskId: string; actor: string; now: Date | null },
): Promise<{ problem: string; from: string; to: string } | null> {
  await run(client, LOCK_RUN, [input.taskId]);
  // The prerequisites first: a completion that has begun takes its share off the count only after its own row.
  await countUnmet(client, input.taskId);
  for (const lock of [...LOCK_PLACES, LOCK]) await run(client, lock, [input.taskId]);
  const [found] = await run<DriftRow>(client, OF_TASK, [input.taskId]);
  if (found === undefined) return null;
  const now = await readNow(client, input.now);
  for (const leave of LEAVE_EVERYWHERE) await run(client, leave, [input.taskId]);
  if (found.should_be !== 'MERGING') await run(client, LEAVE_MERGES, [input.taskId]);
  if (!isFinal(found.should_be)) {
    await run(client, LEAVE_OUTCOME, [input.taskId]);
    await run(client, WRITE, [input.taskId, found.should_be, now]);
  }
  if (found.should_be === 'IN_PROGRESS' || found.should_be === 'MERGING')
    await run(client, FOLLOW_LEASE, [input.taskId]);
  if (found.should_be === 'TODO') await run(client, ARRIVE_TODO, [input.taskId, now]);
  if (found.should_be === 'BLOCKED')
    await run(client, ARRIVE_BLOCKED, [input.taskId, found.unmet, found.reported]);
  if (isFinal(found.should_be)) {
    await run(client, { name: 'repair_leave_lease', text: 'DELETE FROM leases WHERE task_id = $1' }, [
      input.taskId,
    ]);
    await run(client, LEAVE_OUTCOME, [input.taskId]);
    await run(client, ARRIVE_FINAL, [input.taskId]);
  }
  await tellTask(client, input.taskId, {
    event: 'task.repaired',
    actor: input.actor,
    now,
    from: found.status,
    to: found.should_be,
    data: { problem: found.problem },
  });
  return { problem: found.problem, from: found.status, to: found.should_be };
}

function isFinal(status: TaskStatus): boolean {
  return status === 'DONE' || status === 'FAILED' || status === 'CANCELLED';
}

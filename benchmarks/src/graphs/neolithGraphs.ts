import { migrate, openDatabase } from '@neolith/database';
import { createWorkEngine } from '@neolith/work-engine';
import { type Drained, monotonicMs } from '../contestants/contestant.js';
import { settleDatabase } from '../contestants/settleDatabase.js';
import type { GraphContestant } from './graphContestant.js';

const MADE_AT_ONCE = 5_000;

/**
 * Our engine: tasks with dependencies, `claimNextTask` and `completeTask`, one task a call. A place that finds nothing to claim
 * waits until a completion says that it freed something: its answer names the tasks.
 */
export async function neolithGraphs(settings: { url: string; inRun: boolean }): Promise<GraphContestant> {
  await migrate(settings.url);
  const database = openDatabase(settings.url);
  const unscoped = createWorkEngine(database);
  const workspace = await unscoped.createWorkspace({ slug: 'graphs', name: 'Graphs' });
  const engine = unscoped.as({ workspaceId: workspace.id });
  const { id: orchestratorId } = await engine.createOrchestrator({
    name: 'Benchmark',
    role: 'Runner',
    discipline: 'Nothing',
    maxConcurrentTasks: 1_000,
  });
  let tasks = 0;

  return {
    async prepare({ prerequisites }) {
      // One graph at a time lies there, as with the others.
      await database.pool.query(
        'TRUNCATE tasks, task_dependencies, blocked_tasks, ready_tasks, ready_task_tags, delayed_tasks, leases, attempts, task_outcomes, events, runs, run_waves CASCADE',
      );
      let runId: string | null = null;
      if (settings.inRun) {
        const run = await engine.createRun({ name: 'Graph', config: { maxConcurrentTasks: 1_000 } });
        await engine.startRun(run.id);
        runId = run.id;
      }
      const ids: string[] = [];
      while (ids.length < prerequisites.length) {
        const first = ids.length;
        const made = await engine.createTasks(
          prerequisites.slice(first, first + MADE_AT_ONCE).map((needs, offset) => ({
            title: `No-op ${first + offset}`,
            key: `${first + offset}`,
            orchestratorId,
            runId,
            dependsOn: needs.map((need) => (need < first ? (ids[need] as string) : `${need}`)),
          })),
        );
        for (const task of made) ids.push(task.id);
      }
      tasks = ids.length;
      await settleDatabase(settings.url);
    },
    async run(inFlight): Promise<Drained> {
      const done: string[] = [];
      const idle: (() => void)[] = [];
      const wake = (count: number): void => {
        for (const resume of idle.splice(0, count)) resume();
      };
      const startedAt = monotonicMs();
      await Promise.all(
        Array.from({ length: inFlight }, async () => {
          while (done.length < tasks) {
            const { claims } = await engine.claimNextTask(orchestratorId);
            const [claim] = claims;
            if (claim === undefined) {
              if (done.length < tasks) await new Promise<void>((resume) => idle.push(resume));
              continue;
            }
            const { unblocked } = await engine.completeTask(claim.task.id, {
              status: 'completed',
              attemptId: claim.attempt.id,
            });
            done.push(claim.task.id);
            // One of them is for this place itself.
            wake(done.length === tasks ? idle.length : unblocked.length - 1);
          }
        }),
      );
      return { startedAt, endedAt: monotonicMs(), done };
    },
    async verify() {
      const { rows } = await database.pool.query<{ others: number; tries: number; early: number }>(
        `SELECT (SELECT count(*) FROM tasks WHERE status <> 'DONE')::int AS others,
                (SELECT count(*) FROM attempts WHERE status = 'SUCCEEDED')::int - (SELECT count(*) FROM tasks)::int AS tries,
                (SELECT count(*) FROM task_dependencies d JOIN tasks t ON t.id = d.dependent_id JOIN tasks p ON p.id = d.prerequisite_id
                  WHERE t.claimed_at < p.finished_at)::int AS early`,
      );
      const [row] = rows;
      if (row === undefined || row.others !== 0 || row.tries !== 0 || row.early !== 0)
        throw new Error(`The graph was not done as it should be: ${JSON.stringify(row)}`);
    },
    async close() {
      await unscoped.close();
      await database.close();
    },
  };
}

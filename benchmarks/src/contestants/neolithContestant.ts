import { migrate, openDatabase } from '@neolith/database';
import { createWorkEngine, type WorkEngine } from '@neolith/work-engine';
import { type Contestant, type Drained, monotonicMs } from './contestant.js';
import type { NeolithSettings } from './contestantSettings.js';
import { settleDatabase } from './settleDatabase.js';

const PRIORITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'] as const;
const FILLED_AT_ONCE = 5_000;
/** More than ever are in flight. */
const CONCURRENT_TASKS = 1_000;

/** Who works on one queue, as it is told to another process. */
interface Team {
  workspaceId: string;
  orchestratorIds: string[];
}

/** Our engine: `claimNextTask` and `completeTask`, one task a call; limit, lease, attempt and two events for each task. */
export async function neolithContestant(settings: NeolithSettings): Promise<Contestant> {
  if (settings.join === undefined) await migrate(settings.url);
  const database = openDatabase(settings.url);
  const unscoped = createWorkEngine(database);
  const team: Team =
    settings.join === undefined
      ? await makeTeam(unscoped, settings.orchestrators ?? 1)
      : (JSON.parse(settings.join) as Team);
  const engine = unscoped.as({ workspaceId: team.workspaceId });
  const orchestratorOf = (index: number): string =>
    team.orchestratorIds[index % team.orchestratorIds.length] as string;

  return {
    joinWith: JSON.stringify(team),
    async fill(amount) {
      let runId: string | null = null;
      if (settings.inRun === true) {
        const run = await engine.createRun({
          name: 'Benchmark',
          config: { maxConcurrentTasks: CONCURRENT_TASKS },
        });
        await engine.startRun(run.id);
        runId = run.id;
      }
      const distance = settings.dependencyDistance ?? Number.POSITIVE_INFINITY;
      const ids: string[] = [];
      while (ids.length < amount) {
        const first = ids.length;
        const made = await engine.createTasks(
          Array.from({ length: Math.min(FILLED_AT_ONCE, amount - first) }, (_, offset) => {
            const index = first + offset;
            const prerequisite = index - distance;
            return {
              title: `No-op ${index}`,
              key: `${index}`,
              orchestratorId: orchestratorOf(index),
              priority: PRIORITIES[index % PRIORITIES.length] as (typeof PRIORITIES)[number],
              runId,
              dependsOn:
                prerequisite < 0
                  ? []
                  : [prerequisite < first ? (ids[prerequisite] as string) : `${prerequisite}`],
            };
          }),
        );
        for (const task of made) ids.push(task.id);
      }
      await settleDatabase(settings.url);
    },
    async drain(amount, inFlight): Promise<Drained> {
      const done: string[] = [];
      const startedAt = monotonicMs();
      await Promise.all(
        Array.from({ length: inFlight }, async (_, index) => {
          const orchestratorId = orchestratorOf(index);
          while (done.length < amount) {
            const { claims } = await engine.claimNextTask(orchestratorId);
            const [claim] = claims;
            if (claim === undefined) return;
            await engine.completeTask(claim.task.id, { status: 'completed', attemptId: claim.attempt.id });
            done.push(claim.task.id);
          }
        }),
      );
      return { startedAt, endedAt: monotonicMs(), done };
    },
    async verify() {
      const { rows } = await database.pool.query<{ others: string; tries: string }>(
        `SELECT (SELECT count(*) FROM tasks WHERE status <> 'DONE') AS others,
                (SELECT count(*) FROM attempts WHERE status <> 'SUCCEEDED')
                + (SELECT count(*) FROM attempts) - (SELECT count(*) FROM tasks) AS tries`,
      );
      const [row] = rows;
      if (row?.others !== '0' || row.tries !== '0') {
        throw new Error(
          `${row?.others} tasks are not done, and there are ${row?.tries} attempts too many or not succeeded`,
        );
      }
    },
    async close() {
      await unscoped.close();
      await database.close();
    },
  };
}

async function makeTeam(engine: WorkEngine, orchestrators: number): Promise<Team> {
  const workspace = await engine.createWorkspace({ slug: `bench-${Date.now()}`, name: 'Benchmark' });
  const orchestratorIds: string[] = [];
  for (let index = 0; index < orchestrators; index += 1) {
    const orchestrator = await engine.as({ workspaceId: workspace.id }).createOrchestrator({
      name: `Benchmark ${index}`,
      role: 'Runner',
      discipline: 'Nothing',
      maxConcurrentTasks: CONCURRENT_TASKS,
    });
    orchestratorIds.push(orchestrator.id);
  }
  return { workspaceId: workspace.id, orchestratorIds };
}

import { openDatabase } from '@neolith/database';
import { createWorkEngine } from '@neolith/work-engine';
import { answerJobs } from './loadProcess.js';

export type WriterJob =
  | { kind: 'fill'; databaseUrl: string; workspaceId: string; orchestratorId: string; tasks: number }
  | { kind: 'work'; seconds: number; eventsPerSecond: number };

/** How many events it has made. */
export interface WriterAnswer {
  events: number;
  seconds: number;
}

const TICK_MS = 20;

/** Claims and completes tasks at a steady pace through the library: two events a task. */
answerJobs<WriterJob, WriterAnswer>(
  (() => {
    let begun: { engine: ReturnType<typeof createWorkEngine>; orchestratorId: string } | undefined;
    return async (job) => {
      if (job.kind === 'fill') {
        begun ??= {
          engine: createWorkEngine(openDatabase(job.databaseUrl)).as({ workspaceId: job.workspaceId }),
          orchestratorId: job.orchestratorId,
        };
        const { engine, orchestratorId } = begun;
        for (let made = 0; made < job.tasks; made += 5_000) {
          await engine.createTasks(
            Array.from({ length: Math.min(5_000, job.tasks - made) }, (_, index) => ({
              title: `No-op ${made + index}`,
              orchestratorId,
            })),
          );
        }
        return { events: job.tasks, seconds: 0 };
      }
      if (begun === undefined) throw new Error('Nothing to work at');
      const { engine, orchestratorId } = begun;
      const perTick = Math.round((job.eventsPerSecond / 2) * (TICK_MS / 1_000));
      const start = performance.now();
      const ticks = Math.round((job.seconds * 1_000) / TICK_MS);
      const underWay: Promise<number>[] = [];
      for (let tick = 0; tick < ticks; tick += 1) {
        const early = start + tick * TICK_MS - performance.now();
        if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
        underWay.push(doSome(perTick));
      }
      const events = (await Promise.all(underWay)).reduce((sum, some) => sum + some, 0);
      return { events, seconds: (performance.now() - start) / 1_000 };

      async function doSome(amount: number): Promise<number> {
        const { claims } = await engine.claimNextTask(orchestratorId, { max: amount });
        await Promise.all(
          claims.map(({ task, attempt }) =>
            engine.completeTask(task.id, { status: 'completed', attemptId: attempt.id }),
          ),
        );
        return 2 * claims.length;
      }
    };
  })(),
);

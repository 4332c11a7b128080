import { migrate, openDatabase } from '@neolith/database';
import { createWorkEngine } from '@neolith/work-engine';
import type { Contestant } from './contestant.js';

/** Our engine: claim and complete, one task a call, with limit, lease, attempt and two events a task. */
export async function neolithContestant(url: string, tasks: number): Promise<Contestant> {
  await migrate(url);
  const database = openDatabase(url, { poolSize: 8 });
  const unscoped = createWorkEngine(database);
  const workspace = await unscoped.createWorkspace({ slug: `bench-${Date.now()}`, name: 'Benchmark' });
  const engine = unscoped.as({ workspaceId: workspace.id });
  const orchestrator = await engine.createOrchestrator({
    name: 'Benchmark',
    role: 'Runner',
    discipline: 'Nothing',
    maxConcurrentTasks: 1_000,
  });
  const priorities = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'] as const;
  return {
    name: 'neolith',
    tasks,
    async fill(amount) {
      for (let made = 0; made < amount; made += 5_000) {
        const count = Math.min(5_000, amount - made);
        await engine.createTasks(
          Array.from({ length: count }, (_, index) => ({
            title: `No-op ${made + index}`,
            orchestratorId: orchestrator.id,
            priority: priorities[index % 4] ?? 'LOW',
          })),
        );
      }
    },
    async drain(amount, inFlight) {
      let done = 0;
      await Promise.all(
        Array.from({ length: inFlight }, async () => {
          for (;;) {
            const { claims } = await engine.claimNextTask(orchestrator.id);
            const [claim] = claims;
            if (claim === undefined) return;
            await engine.completeTask(claim.task.id, { status: 'completed', attemptId: claim.attempt.id });
            done += 1;
          }
        }),
      );
      if (done !== amount) throw new Error(`neolith did ${done} of ${amount} tasks`);
    },
    async close() {
      await unscoped.close();
      await database.close();
    },
  };
}

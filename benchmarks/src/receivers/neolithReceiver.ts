import { migrate, openDatabase } from '@neolith/database';
import { createWorkEngine } from '@neolith/work-engine';
import { monotonicMs } from '../contestants/contestant.js';
import type { Receiver } from './receiver.js';

/** `waitForClaim`, and a task made by the same engine, or by another one that has connections of its own. */
export async function neolithReceiver(settings: {
  url: string;
  maker: 'same engine' | 'other engine';
}): Promise<Receiver> {
  await migrate(settings.url);
  const databases = [openDatabase(settings.url)];
  if (settings.maker === 'other engine') databases.push(openDatabase(settings.url));
  const engines = databases.map((database) => createWorkEngine(database));
  const [first] = engines;
  const last = engines[engines.length - 1];
  if (first === undefined || last === undefined) throw new Error('There is an engine for each database');
  const workspace = await first.createWorkspace({ slug: 'bench', name: 'Benchmark' });
  const claimer = first.as({ workspaceId: workspace.id });
  const maker = last.as({ workspaceId: workspace.id });
  const orchestrator = await claimer.createOrchestrator({
    name: 'Benchmark',
    role: 'Runner',
    discipline: 'Nothing',
  });
  return {
    async receive() {
      const { claims } = await claimer.waitForClaim(orchestrator.id, { waitSeconds: 20 });
      const hadAt = monotonicMs();
      const [claim] = claims;
      if (claim === undefined) throw new Error('Nothing came within 20 s');
      return {
        hadAt,
        async finish() {
          await claimer.completeTask(claim.task.id, { status: 'completed', attemptId: claim.attempt.id });
        },
      };
    },
    async create() {
      await maker.createTask({ title: 'No-op', orchestratorId: orchestrator.id });
    },
    async close() {
      for (const engine of engines) await engine.close();
      for (const database of databases) await database.close();
    },
  };
}

import { migrate, openDatabase } from '@neolith/database';
import { type Claim, createWorkEngine } from '@neolith/work-engine';
import { monotonicMs } from '../contestants/contestant.js';
import type { Receiver } from './receiver.js';

/** `waitForClaim`, and a task made by the same engine, or by another one that has connections of its own. */
export async function neolithReceiver(settings: {
  url: string;
  maker: 'same engine' | 'other engine';
}): Promise<Receiver> {
  await migrate(settings.url);
  const database = openDatabase(settings.url);
  const databases = [database];
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
  const create = async (): Promise<void> => {
    await maker.createTask({ title: 'No-op', orchestratorId: orchestrator.id });
  };
  const { pool } = database;
  await pool.query('CREATE TABLE benchmark_rows (a int)');
  let claimed: Claim | null = null;
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
    create,
    parts: [
      {
        name: 'a query that does nothing',
        before: async () => {},
        async run() {
          await pool.query({ name: 'nothing', text: 'SELECT' });
        },
      },
      {
        name: 'an INSERT of one row, committed',
        before: async () => {},
        async run() {
          await pool.query({ name: 'insert', text: 'INSERT INTO benchmark_rows VALUES (1)' });
        },
      },
      {
        name: 'claimNextTask, a task being there, nobody waiting',
        async before() {
          if (claimed !== null) {
            await claimer.completeTask(claimed.task.id, {
              status: 'completed',
              attemptId: claimed.attempt.id,
            });
          }
          await create();
        },
        async run() {
          claimed = (await claimer.claimNextTask(orchestrator.id)).claims[0] ?? null;
        },
      },
    ],
    async close() {
      for (const engine of engines) await engine.close();
      for (const database of databases) await database.close();
    },
  };
}

import { DBOS } from '@dbos-inc/dbos-sdk';
import pg from 'pg';
import { type Drained, monotonicMs } from '../contestants/contestant.js';
import { settleDatabase } from '../contestants/settleDatabase.js';
import type { GraphContestant } from './graphContestant.js';
import { levelsOf } from './graphShape.js';

/**
 * DBOS: one workflow, each task a step. Steps that can run side by side are begun in the order in which they are written and
 * awaited together, as its documentation asks for, so that a recovery meets them in the same order: so a graph goes level by
 * level, and how many steps are in flight is up to the library.
 */
export async function dbosSteps({ url }: { url: string }): Promise<GraphContestant> {
  let levels: number[][] = [];
  let tasks = 0;
  let done: string[] = [];
  let runs = 0;
  const workflow = DBOS.registerWorkflow(
    async () => {
      for (const level of levels) {
        const results = await Promise.allSettled(
          level.map((n) =>
            DBOS.runStep(
              async () => {
                done.push(String(n));
              },
              { name: `task ${n}` },
            ),
          ),
        );
        const failed = results.find((result) => result.status === 'rejected');
        if (failed !== undefined) throw failed.reason;
      }
    },
    { name: 'graph' },
  );
  DBOS.setConfig({ name: 'graphs', systemDatabaseUrl: url, logLevel: 'error' });
  await DBOS.launch();
  return {
    async prepare(shape) {
      levels = levelsOf(shape);
      tasks = shape.prerequisites.length;
      runs += 1;
      await settleDatabase(url);
    },
    async run(): Promise<Drained> {
      done = [];
      const startedAt = monotonicMs();
      const handle = await DBOS.startWorkflow(workflow, { workflowID: `graph-${runs}` })();
      await handle.getResult();
      return { startedAt, endedAt: monotonicMs(), done };
    },
    async verify() {
      const client = new pg.Client(url);
      await client.connect();
      try {
        const { rows } = await client.query<{ steps: number }>(
          `SELECT count(*)::int AS steps FROM dbos.operation_outputs WHERE workflow_uuid = $1 AND function_name LIKE 'task %'`,
          [`graph-${runs}`],
        );
        if (rows[0]?.steps !== tasks) throw new Error(`DBOS kept ${rows[0]?.steps} steps of ${tasks} tasks`);
      } finally {
        await client.end();
      }
    },
    async close() {
      await DBOS.shutdown();
    },
  };
}

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createClient, type NeolithClient, type PlanImportResult } from '@neolith/contracts';
import { openDatabase } from '@neolith/database';
import { createTestDatabase } from '@neolith/database/testing';
import { createWorkEngine } from '@neolith/work-engine';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../../apps/web/test/startServer.js';

const execute = promisify(execFile);
const neolith = fileURLToPath(new URL('../../packages/cli/bin/neolith.js', import.meta.url));
const folder = process.env.NEOLITH_PLANS ?? fileURLToPath(new URL('../../../shared/plans', import.meta.url));
const plans = existsSync(folder) ? readdirSync(folder).sort() : [];

describe.skipIf(plans.length === 0)(
  `every plan in ${folder}${plans.length === 0 ? ' (skipped: it is not there; NEOLITH_PLANS names the folder)' : ''}`,
  () => {
    let test: Awaited<ReturnType<typeof createTestDatabase>>;
    let server: TestServer;
    let home: string;
    let env: NodeJS.ProcessEnv;
    let client: NeolithClient;
    let daemon: ChildProcess;
    beforeAll(async () => {
      test = await createTestDatabase();
      home = await mkdtemp(join(tmpdir(), 'neolith-plans-'));
      server = await startServer({ databaseUrl: test.url });
      const token = await server.token();
      env = {
        PATH: process.env.PATH,
        HOME: home,
        NEOLITH_HOME: home,
        NEOLITH_URL: server.url,
        NEOLITH_TOKEN: token,
      };
      client = createClient({ baseUrl: server.url, token });
      await client.createOrchestrator({
        body: { name: 'Atlas', role: 'r', discipline: 'd', maxConcurrentTasks: 20 },
      });
      daemon = spawn(
        process.execPath,
        [neolith, 'daemon', '--all', '--slots', '8', '--shell-command', 'true'],
        {
          env,
          stdio: 'ignore',
        },
      );
    });
    afterAll(async () => {
      daemon?.kill('SIGKILL');
      await server?.stop('SIGKILL');
      await test?.drop();
      await rm(home, { recursive: true, force: true });
    });
    const run = async (...words: string[]): Promise<string> =>
      (await execute(process.execPath, [neolith, ...words], { env, maxBuffer: 64 * 1_048_576 })).stdout;

    it.each(plans.length === 0 ? ['nothing'] : plans)(
      '%s is imported, imported again without a change, and executed to its end',
      { timeout: 240_000 },
      async (name) => {
        const plan = join(folder, name);
        const importOnce = async (): Promise<PlanImportResult> => {
          const said = JSON.parse(
            await run('import', plan, '--orchestrator', 'Atlas', '--missing-priority', 'HIGH', '--json'),
          );
          return said.result;
        };
        const first = await importOnce();
        expect(first).toMatchObject({ updated: [], unchanged: 0, removed: [], refused: [] });
        expect(first.created.length).toBeGreaterThan(100);
        const again = await importOnce();
        expect(again).toMatchObject({
          created: [],
          updated: [],
          unchanged: first.created.length,
          removed: [],
          refused: [],
        });

        const params = { id: first.run?.id as string };
        await client.updateRun({ params, body: { config: { maxConcurrentTasks: 8 } } });
        await client.startRun({ params, body: {} });
        const deadline = performance.now() + 200_000;
        for (;;) {
          const { finishedAt, counts } = await client.getRun({ params });
          if (finishedAt !== null) break;
          if (performance.now() > deadline) throw new Error(`Not over in time: ${JSON.stringify(counts)}`);
          await delay(100);
        }
        const database = openDatabase(test.url);
        const engine = createWorkEngine(database);
        try {
          const ended = await engine
            .as({ workspaceId: first.run?.workspaceId as string })
            .getRun(first.run?.id as string);
          console.log(`${name}: ${JSON.stringify(ended.counts)}`);
          expect(ended).toMatchObject({
            status: 'SUCCEEDED',
            counts: { total: first.created.length, todo: 0, blocked: 0, failed: 0 },
          });
          expect(await engine.recalculateAllStatuses()).toMatchObject({ repaired: [], runs: [] });
        } finally {
          await engine.close();
          await database.close();
        }
      },
    );
  },
);

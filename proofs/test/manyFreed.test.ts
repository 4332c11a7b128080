import { createTestDatabase, type TestDatabase } from '@neolith/database/testing';
import { createWorkEngine } from '@neolith/work-engine';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { startServer } from '../../apps/web/test/startServer.js';
import { freeMany } from './freeMany.js';

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

it('10,000 tasks that are freed at once reach 50 idle daemons, each another one, within moments', async () => {
  const server = await startServer({ databaseUrl: test.url });
  onTestFinished(async () => {
    await server.stop('SIGKILL');
  });
  const [workspace] = await test.database.prisma.workspace.findMany();
  const report = await freeMany({
    url: server.url,
    token: await server.token(),
    engine: createWorkEngine(test.database).as({ workspaceId: workspace?.id as string }),
    tasks: 10_000,
    daemons: 50,
    orchestrators: 10,
  });
  expect(report.freed).toBe(10_000);
  expect(new Set(report.started).size).toBe(50);
  // The promise is 1 s after the answer, which `npm run proofs -- guarantees` measures; here others use the machine, too.
  expect(report.firstMs - report.completedMs).toBeLessThan(5_000);
  expect(report.lastMs - report.completedMs).toBeLessThan(20_000);
});

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from '@neolith/contracts';
import { createTestDatabase, type TestDatabase } from '@neolith/database/testing';
import { createWorkEngine } from '@neolith/work-engine';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { startServer } from '../../apps/web/test/startServer.js';
import { ended } from './installation.js';

const neolith = fileURLToPath(new URL('../../packages/cli/bin/neolith.js', import.meta.url));
const shiftClock = new URL('./shiftClock.mjs', import.meta.url).href;
const HOUR_MS = 3_600_000;

/** The environment of a program whose clock is wrong by so much. */
const wrongBy = (hours: number) => ({
  NODE_OPTIONS: `--import ${shiftClock}`,
  CLOCK_SHIFT_MS: String(hours * HOUR_MS),
});

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase();
});
afterAll(() => test.drop());

it('clocks that are two hours fast and slow, on servers and daemons, change no lease, no due time, no order and no boost', async () => {
  const home = await mkdtemp(join(tmpdir(), 'neolith-clocks-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  const start = async (hours: number) => {
    const server = await startServer({ databaseUrl: test.url, home, env: wrongBy(hours) });
    onTestFinished(async () => {
      await server.stop('SIGKILL');
    });
    return server;
  };
  const fast = await start(2);
  const slow = await start(-2);
  const token = await fast.token();
  const clients = [fast, slow].map(({ url }) => createClient({ baseUrl: url, token }));
  const [first] = clients as [(typeof clients)[0]];
  // They are wrong, and not only said to be.
  for (const [server, hours] of [[fast, 2] as const, [slow, -2] as const]) {
    const headers = { authorization: `Bearer ${token}` };
    const figures = await (await fetch(`${server.url}/metrics`, { headers })).text();
    const [, startedAt] = /^process_start_time_seconds (\d+)/m.exec(figures) ?? [];
    const offMs = Number(startedAt) * 1_000 - Date.now();
    expect(Math.abs(offMs - hours * HOUR_MS)).toBeLessThan(60_000);
  }

  const [workspace] = await test.database.prisma.workspace.findMany();
  const engine = createWorkEngine(test.database).as({ workspaceId: workspace?.id as string });
  const make = (name: string, maxConcurrentTasks: number) =>
    engine.createOrchestrator({ name, role: 'r', discipline: 'd', maxConcurrentTasks });
  const ranked = await make('Ranked', 10);
  const due = [-1, -3, 71, 73, 1, 1.9].map((hours) => ({
    title: `due in ${hours} h`,
    orchestratorId: ranked.id,
    dueAt: new Date(Date.now() + hours * HOUR_MS),
  }));
  await engine.createTasks([
    ...due,
    { title: 'later', orchestratorId: ranked.id, availableAt: new Date(Date.now() + HOUR_MS) },
  ]);
  const truth = (await engine.rankTasks(ranked.id)).ranking.map(({ task, score }) => [task.title, score]);
  expect(truth).toHaveLength(6);
  for (const client of clients) {
    const { ranking } = await client.getQueue({ params: { id: ranked.id } });
    expect(ranking.map(({ task, score }) => [task.title, score])).toEqual(truth);
  }

  // A lease that a server whose clock is two hours fast would take back at once; both sweep.
  const held = await first.claimTasks({
    params: { id: ranked.id },
    body: { requestId: 'held', max: 1, leaseSeconds: 60 },
  });
  const heldId = held.claims[0]?.task.id ?? '';
  // One that ends, which a server whose clock is two hours slow would keep.
  const dying = await make('Dying', 1);
  const dead = await engine.createTask({ title: 'Dies', orchestratorId: dying.id });
  await clients[1]?.claimTasks({ params: { id: dying.id }, body: { requestId: 'dead', leaseSeconds: 1 } });

  const worked = await make('Worked', 4);
  await engine.createTasks(
    Array.from({ length: 6 }, (_, n) => ({
      title: `Work ${n}`,
      orchestratorId: worked.id,
      ...(n === 5 ? { availableAt: new Date(Date.now() + 3_000) } : {}),
    })),
  );
  const daemons = [
    startDaemon(home, 'fast', 2, slow.url, token, worked.id),
    startDaemon(home, 'slow', -2, fast.url, token, worked.id),
  ];
  onTestFinished(async () => {
    for (const { child } of daemons) child.kill('SIGKILL');
    await Promise.all(daemons.map(({ child }) => ended(child)));
  });

  const tasksOf = async (orchestratorId: string) =>
    (await engine.listTasks({ orchestratorId })).tasks.map(({ status }) => status);
  await expect
    .poll(() => tasksOf(worked.id), { timeout: 60_000, interval: 200 })
    .toEqual(Array(6).fill('DONE'))
    .catch((error: Error) => {
      throw new Error(`${error.message}\n${daemons.map(({ log }) => log()).join('\n')}`, { cause: error });
    });
  await expect
    .poll(async () => (await engine.getTask(dead.id)).status, { timeout: 15_000, interval: 200 })
    .toBe('TODO');
  const { rows } = await test.database.pool.query<{ type: string; n: number }>(
    `SELECT type, count(*)::int AS n FROM events WHERE type IN ('task.claimed', 'task.lease_lost') GROUP BY type ORDER BY type`,
  );
  // Each of the six once, the one that is held, and the one that was lost.
  expect(rows).toEqual([
    { type: 'task.claimed', n: 8 },
    { type: 'task.lease_lost', n: 1 },
  ]);
  expect((await engine.getTask(heldId)).status).toBe('IN_PROGRESS');
  expect((await engine.getOrchestratorExecutionStats(worked.id)).averageCompletionTime).toBeLessThan(60);
  expect((await engine.selectNextTask(ranked.id, { excludeTaskIds: [heldId] }))?.title).not.toBe('later');
  for (const client of clients)
    expect((await client.getTask({ params: { id: heldId } })).attempts[0]?.status).toBe('RUNNING');
});

function startDaemon(
  home: string,
  name: string,
  hours: number,
  url: string,
  token: string,
  orchestratorId: string,
): { child: ChildProcess; log: () => string } {
  const child = spawn(
    process.execPath,
    [
      ...[neolith, 'daemon', '--name', name, '--orchestrator', orchestratorId, '--slots', '2'],
      ...['--lease-seconds', '2', '--shell-command', 'sleep 3'],
    ],
    {
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        NEOLITH_HOME: join(home, name),
        NEOLITH_URL: url,
        NEOLITH_TOKEN: token,
        ...wrongBy(hours),
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (part: string) => {
    log = (log + part).slice(-20_000);
  });
  return { child, log: () => log };
}

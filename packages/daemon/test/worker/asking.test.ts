import { existsSync, lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { TOKEN } from './support/testServer.js';
import { openWorkplace, until } from './support/workplace.js';

const work = openWorkplace();
const ASKER = fileURLToPath(new URL('./support/askingAgent.mjs', import.meta.url));

/** An agent that asks as its task's metadata say, and writes down what it got; see askingAgent.mjs. */
const asker = () => work.agent([process.execPath, ASKER]);

const saidBy = (name: string): { status: number; body: Record<string, unknown> }[] =>
  existsSync(work.path(name))
    ? readFileSync(work.path(name), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    : [];

const post = (socketPath: string, path: string, body: string): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    const call = request({ socketPath, path, method: 'POST' }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    call.on('error', reject);
    call.end(body);
  });

it('lets an agent ask, without a token, by a socket that goes with its attempt', async () => {
  const orchestrator = await work.orchestrator();
  const gate = work.path('gate');
  const task = await work.task(orchestrator, {
    resources: ['path:src/'],
    metadata: {
      gate,
      said: work.path('said'),
      asks: [{ resources: ['port:3000', 'shared db'], waitSeconds: 5 }],
    },
  });
  const daemon = work.daemon({
    orchestrators: [orchestrator.id],
    agent: asker(),
    command: ['/bin/echo', "it's"],
  });
  await daemon.start();
  await until(() => saidBy('said').length === 2, 'the answer');
  const [told, asked] = saidBy('said');
  const socket = told?.body.socket as string;
  expect(Buffer.byteLength(socket)).toBeLessThanOrEqual(103);
  expect(lstatSync(dirname(socket)).mode & 0o777).toBe(0o300);
  expect(told?.body.command).toBe(join(dirname(socket), 'neolith'));
  expect(told?.body.environment).not.toContain(TOKEN);
  expect(asked).toEqual({ status: 200, body: { granted: true, waitsFor: [] } });
  expect(
    (await work.engine.getResources()).holds.map(({ resource, mode }) => `${mode} ${resource}`).sort(),
  ).toEqual(['exclusive path:src/**', 'exclusive port:3000', 'shared db']);
  // What can't be understood says why, and costs nothing.
  expect(await post(socket, '/resources', '{"resources":["a b"]}')).toMatchObject({ status: 400 });
  expect(await post(socket, '/resources', 'port:3000')).toMatchObject({ status: 400 });
  expect(await post(socket, '/resources', `"${'x'.repeat(70_000)}"`)).toMatchObject({ status: 400 });
  expect(await post(socket, '/tasks', '{}')).toMatchObject({ status: 404 });
  await work.open(gate);
  await work.untilStatus(task.id, 'DONE');
  await until(() => !existsSync(socket), 'the end of the socket');
  expect(await work.engine.getResources()).toMatchObject({ holds: [], waits: [] });
  expect(existsSync(dirname(socket))).toBe(true);
  await daemon.drain();
  expect(existsSync(dirname(socket))).toBe(false);
});

it('gives up the place in the line when an agent waits no more, and says who has it', async () => {
  const orchestrator = await work.orchestrator();
  const gate = work.path('gate');
  const holder = await work.task(orchestrator, {
    title: 'Holder',
    priority: 'HIGH',
    resources: ['port:3000'],
    metadata: { gate },
  });
  const task = await work.task(orchestrator, {
    title: 'Impatient',
    metadata: { gate, said: work.path('said'), asks: [{ resources: ['port:3000'], waitSeconds: 0.2 }] },
  });
  await work.daemon({ orchestrators: [orchestrator.id], agent: asker() }).start();
  await until(() => saidBy('said').length === 2, 'the answer');
  expect(saidBy('said')[1]).toMatchObject({
    status: 200,
    body: { granted: false, waitsFor: [{ taskId: holder.id, title: 'Holder', holds: true }] },
  });
  expect((await work.engine.getResources()).waits).toEqual([]);
  const types = (await work.events(task.id)).map(({ type }) => type);
  expect(types).toEqual(expect.arrayContaining(['resources.waiting', 'resources.given_up']));
  await work.open(gate);
  await work.untilStatus(task.id, 'DONE');
});

it('two agents in opposite order: one gives way, is ended, and is done later with all it asked for', async () => {
  const orchestrator = await work.orchestrator();
  const make = (title: string, priority: 'HIGH' | 'LOW', first: string, second: string) =>
    work.task(orchestrator, {
      title,
      priority,
      metadata: {
        said: work.path(`${title}.said`),
        meet: [work.path(`${title}.has`), work.path(title === 'High' ? 'Low.has' : 'High.has')],
        asks: [
          { resources: [first], waitSeconds: 60 },
          { resources: [second], waitSeconds: 60 },
        ],
      },
    });
  const high = await make('High', 'HIGH', 'A', 'B');
  const low = await make('Low', 'LOW', 'B', 'A');
  const daemon = work.daemon({ orchestrators: [orchestrator.id], agent: asker() });
  await daemon.start();
  await work.untilStatus(high.id, 'DONE');
  const done = await work.untilStatus(low.id, 'DONE');
  expect(saidBy('High.said').slice(1)).toEqual([
    { status: 200, body: { granted: true, waitsFor: [] } },
    { status: 200, body: { granted: true, waitsFor: [] } },
  ]);
  const [, first, second, ...later] = saidBy('Low.said');
  expect(first).toEqual({ status: 200, body: { granted: true, waitsFor: [] } });
  expect(second).toMatchObject({
    status: 409,
    body: { error: { code: 'RESOURCE_DEADLOCK', message: expect.stringContaining('"High"') } },
  });
  // Its second attempt has the other from the start, and asks for what it has not.
  // What it was told at its start, and two answers.
  expect(later.map(({ status }) => status)).toEqual([0, 200, 200]);
  expect(done.resources.map(({ resource }) => resource)).toContain('A');
  expect(done).toMatchObject({ failureCount: 0, lostCount: 0, attemptCount: 2 });
  const report = await daemon.drain();
  expect(report.results).toMatchObject({ completed: 2, released: 1, failed: 0, dropped: 0 });
  const deadlock = (await work.events(low.id)).find(({ type }) => type === 'resources.deadlock');
  expect(deadlock?.data).toMatchObject({
    cycle: expect.arrayContaining([
      expect.objectContaining({ title: 'High', taskId: high.id }),
      expect.objectContaining({ title: 'Low', taskId: low.id }),
    ]),
  });
});

it('ends an agent that does not heed that it gave way', async () => {
  const orchestrator = await work.orchestrator();
  const make = (title: string, priority: 'HIGH' | 'LOW', first: string, second: string) =>
    work.task(orchestrator, {
      title,
      priority,
      metadata: {
        said: work.path(`${title}.said`),
        meet: [work.path(`${title}.has`), work.path(title === 'High' ? 'Low.has' : 'High.has')],
        stubborn: title === 'Low' ? work.path('stubborn') : null,
        asks: [
          { resources: [first], waitSeconds: 60 },
          { resources: [second], waitSeconds: 60 },
        ],
      },
    });
  const high = await make('High', 'HIGH', 'A', 'B');
  const low = await make('Low', 'LOW', 'B', 'A');
  await work.daemon({ orchestrators: [orchestrator.id], agent: asker(), graceMs: 10_000 }).start();
  await until(() => existsSync(work.path('stubborn')), 'the refusal');
  const toldAt = performance.now();
  await work.untilStatus(high.id, 'DONE');
  await work.untilStatus(low.id, 'DONE');
  expect(performance.now() - toldAt).toBeLessThan(10_000);
  // Nobody had what it held while it was alive, which was until it was killed.
  const refused = (await work.events(low.id)).find(({ type }) => type === 'resources.deadlock');
  const granted = (await work.events(high.id)).findLast(({ type }) => type === 'resources.granted');
  expect(Date.parse(String(granted?.at)) - Date.parse(String(refused?.at))).toBeGreaterThan(1_800);
});

it('removes the sockets of an earlier life, and nothing that only bears its name', async () => {
  const orchestrator = await work.orchestrator();
  const name = work.uniqueName();
  const root = work.path(`attempts/${name}`);
  const record = join(root, 'sockets');
  const child = await work.daemonProcess({ orchestrators: [orchestrator.id], name });
  const left = readlinkSync(record);
  child.child.kill('SIGKILL');
  await child.ended;
  expect(existsSync(left)).toBe(true);
  const daemon = work.daemon({ orchestrators: [orchestrator.id], name });
  await daemon.start();
  expect(existsSync(left)).toBe(false);
  await daemon.drain();
  const other = work.path('precious');
  await mkdir(other);
  await writeFile(join(other, 'file'), '');
  await mkdir(root, { recursive: true });
  await (await import('node:fs/promises')).symlink(other, record);
  const next = work.daemon({ orchestrators: [orchestrator.id], name });
  await next.start();
  expect(existsSync(join(other, 'file'))).toBe(true);
});

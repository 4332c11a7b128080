import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { EngineEvent } from '@neolith/contracts';
import { createWorkEngine, type WorkEngine } from '@neolith/work-engine';
import { expect, onTestFinished, test } from 'vitest';
import { openStream } from './support/openStream';
import { serverFixture, type Tenant } from './support/serverFixture';

const fixture = serverFixture();

async function follow(token: string, options: { lastEventId?: string; query?: string } = {}) {
  const { query = '', lastEventId } = options;
  const stream = await openStream(`${fixture.server.url}/api/v1/events${query}`, {
    token,
    ...(lastEventId === undefined ? {} : { lastEventId }),
  });
  onTestFinished(() => stream.close());
  return stream;
}

async function eventually(check: () => boolean | Promise<boolean>, limitMs: number): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await check())) {
    if (performance.now() > deadline) throw new Error(`Not within ${limitMs} ms`);
    await delay(20);
  }
}

async function orchestratorOf({ engine }: Tenant, name = 'One') {
  return engine.createOrchestrator({ name, role: 'Engineer', discipline: 'Engineering' });
}

async function allEvents(engine: WorkEngine): Promise<EngineEvent[]> {
  const found: EngineEvent[] = [];
  let cursor: string | undefined;
  for (;;) {
    const page = await engine.readEvents({ cursor });
    if (page.events.length === 0) return found;
    found.push(...page.events);
    cursor = page.cursor;
  }
}

const cursors = (messages: { data: string }[]) =>
  messages.filter(({ data }) => data !== '').map(({ data }) => (JSON.parse(data) as EngineEvent).cursor);

test('without a cursor the stream begins now, and brings what is committed from then on within a second', async () => {
  const tenant = await fixture.tenant();
  const orchestrator = await orchestratorOf(tenant);
  const stream = await follow(await tenant.token('read'));
  expect(stream.response.headers.get('content-type')).toContain('text/event-stream');
  await eventually(() => stream.lastId() !== undefined, 5_000);

  // The best of three: what is measured is the stream, not the other tests of this machine.
  const delays: number[] = [];
  for (let round = 1; round <= 3; round += 1) {
    const begun = performance.now();
    await tenant.engine.createTask({ title: 'New', orchestratorId: orchestrator.id });
    await stream.until((messages) => messages.length >= round);
    delays.push(performance.now() - begun);
  }
  expect(Math.min(...delays)).toBeLessThan(1_000);
  const [message] = stream.messages;
  const event = JSON.parse(message?.data ?? '') as EngineEvent;
  expect(event).toMatchObject({ type: 'task.created', orchestratorId: orchestrator.id });
  expect(message?.id).toBe(event.cursor);
});

test('what other workspaces do is not in the stream', async () => {
  const [ours, theirs] = [await fixture.tenant(), await fixture.tenant()];
  const stream = await follow(await ours.token('read'));
  await eventually(() => stream.lastId() !== undefined, 5_000);
  await orchestratorOf(theirs);
  await orchestratorOf(ours, 'Ours');
  await stream.until((messages) => messages.length > 0);
  expect(stream.messages).toHaveLength(1);
  expect(stream.messages[0]?.data).toContain(ours.workspaceId);
});

test('clients that come and go while many write miss nothing and get nothing twice', async () => {
  const tenant = await fixture.tenant();
  const token = await tenant.token('read');
  const orchestrator = await orchestratorOf(tenant);
  const start = (await tenant.engine.currentCursor()).replace(/\.\d+\.\d+$/, '.0.0');

  let writing = true;
  const write = async (writer: number) => {
    for (let round = 0; round < 30; round += 1) {
      const titles = Array.from(
        { length: 1 + ((writer * round) % 40) },
        (_, index) => `${writer}.${round}.${index}`,
      );
      await tenant.engine.createTasks(titles.map((title) => ({ title, orchestratorId: orchestrator.id })));
    }
  };
  const writers = Promise.all([1, 2, 3, 4].map(write)).finally(() => {
    writing = false;
  });

  const reader = async (patience: number) => {
    const seen: string[] = [];
    let place = start;
    let connections = 0;
    for (;;) {
      const lastRound = !writing;
      const expected = lastRound ? (await allEvents(tenant.engine)).length : Number.POSITIVE_INFINITY;
      const stream = await follow(token, { lastEventId: place });
      connections += 1;
      const enough = Math.min(expected - seen.length, patience);
      await stream
        .until((messages) => messages.length >= enough || (lastRound === false && !writing), 20_000)
        .finally(() => stream.close());
      const got = cursors(stream.messages.slice());
      seen.push(...got);
      place = got[got.length - 1] ?? place;
      if (lastRound && seen.length >= expected) return { seen, connections };
    }
  };
  const readers = await Promise.all([reader(37), reader(400), reader(1)].slice(0, 2));
  await writers;

  const expected = (await allEvents(tenant.engine)).map((event) => event.cursor);
  expect(expected.length).toBeGreaterThan(1_000);
  for (const { seen, connections } of readers) {
    expect(seen).toEqual(expected);
    expect(connections).toBeGreaterThan(3);
  }
});

test('a long history is replayed in order, then the stream goes on live', async () => {
  const tenant = await fixture.tenant();
  const orchestrator = await orchestratorOf(tenant);
  const many = (count: number) =>
    tenant.engine.createTasks(
      Array.from({ length: count }, (_, index) => ({ title: `${index}`, orchestratorId: orchestrator.id })),
    );
  await many(1_700);
  const start = (await tenant.engine.currentCursor()).replace(/\.\d+\.\d+$/, '.0.0');
  const stream = await follow(await tenant.token('read'), { query: `?cursor=${start}` });
  await stream.until((messages) => messages.length >= 1_701);
  await many(3);
  await stream.until((messages) => messages.length >= 1_704);
  expect(cursors(stream.messages)).toEqual((await allEvents(tenant.engine)).map(({ cursor }) => cursor));
});

test('only one orchestrator’s events where that is asked for, yet the place moves on with all of them', async () => {
  const tenant = await fixture.tenant();
  const [one, other] = [await orchestratorOf(tenant, 'One'), await orchestratorOf(tenant, 'Other')];
  const stream = await follow(await tenant.token('read'), { query: `?orchestratorId=${one.id}` });
  await eventually(() => stream.lastId() !== undefined, 5_000);
  await tenant.engine.createTask({ title: 'Mine', orchestratorId: one.id });
  await tenant.engine.createTask({ title: 'Not mine', orchestratorId: other.id });
  const last = (await allEvents(tenant.engine)).at(-1)?.cursor;
  await eventually(() => stream.lastId() === last, 5_000);
  expect(
    stream.messages.filter(({ data }) => data !== '').map(({ data }) => JSON.parse(data).orchestratorId),
  ).toEqual([one.id]);
});

test('a cursor of another history brings a reset message, one that is none a 400', async () => {
  const tenant = await fixture.tenant();
  const token = await tenant.token('read');
  const now = await tenant.engine.currentCursor();
  const stream = await follow(token, { lastEventId: now.replace(/^[0-9a-f]+/, 'abc') });
  const [message] = await stream.until((messages) => messages.length > 0);
  expect(message?.event).toBe('reset');
  await orchestratorOf(tenant);
  await stream.until((messages) => messages.length > 1);

  for (const cursor of ['nonsense', '1.2', 'zz.1.1', '%00', '1.99999999999999999999.1']) {
    const response = await fixture.fetch(`/api/v1/events?cursor=${cursor}`, { token });
    expect(response.status).toBe(400);
    await response.body?.cancel();
  }
});

test('a cursor from before what retention removed brings a reset message, a later one goes on without a gap', async () => {
  const tenant = await fixture.tenant();
  const [token, client] = [await tenant.token('read'), await tenant.client()];
  const orchestrator = await orchestratorOf(tenant);
  const run = await tenant.engine.createRun({ name: 'Over', tasks: [{ title: 'Only' }] });
  await tenant.engine.startRun(run.id);
  await tenant.engine.stopRun(run.id);
  const [first] = await allEvents(tenant.engine);
  const before = first?.cursor as string;
  const last = (await allEvents(tenant.engine)).at(-1)?.cursor as string;
  const { cursor: whenOver } = await client.getRunSnapshot({ params: { id: run.id } });

  await tenant.engine.updateWorkspace({ eventRetentionDays: 1 });
  const later = createWorkEngine({
    ...fixture.test.database,
    clock: () => new Date(Date.now() + 2 * 86_400_000),
  }).as({ workspaceId: tenant.workspaceId });
  onTestFinished(() => later.close());
  expect((await later.sweepExpiredLeases()).trimmed).toBeGreaterThan(5);
  expect(await allEvents(tenant.engine)).toEqual([]);
  const now = await tenant.engine.currentCursor();

  const cursors = { 'Last-Event-ID': { lastEventId: before }, query: { query: `?cursor=${before}` } };
  for (const [by, given] of Object.entries(cursors)) {
    const stream = await follow(token, given);
    expect(stream.response.status).toBe(200);
    const [message] = await stream.until((messages) => messages.length > 0);
    expect(message?.event, by).toBe('reset');
    // What it says is a place from which nothing is missed any more.
    const { cursor } = JSON.parse(message?.data ?? '') as { cursor: string };
    expect(message?.id).toBe(cursor);
    const task = await tenant.engine.createTask({ title: `After ${by}`, orchestratorId: orchestrator.id });
    await stream.until((messages) => messages.length > 1);
    expect(JSON.parse(stream.messages[1]?.data ?? '')).toMatchObject({
      type: 'task.created',
      taskId: task.id,
    });
    const again = await follow(token, { lastEventId: cursor });
    await again.until((messages) => messages.length > 0);
    expect(again.messages[0]?.id).toBe(stream.messages[1]?.id);
  }

  // Nothing of what comes after these was removed.
  for (const lastEventId of [last, whenOver, now]) {
    const stream = await follow(token, { lastEventId });
    await stream.until((messages) => messages.length >= 2);
    expect(stream.messages.map(({ event }) => event)).not.toContain('reset');
    expect(stream.messages.slice(0, 2).map(({ data }) => JSON.parse(data).type)).toEqual([
      'task.created',
      'task.created',
    ]);
  }

  // A run's history went whole.
  const { events } = await client.getRunHistory({ params: { id: run.id }, query: {} });
  expect(events).toEqual([]);
});

test('HEAD opens no stream', async () => {
  const tenant = await fixture.tenant();
  const response = await fixture.fetch('/api/v1/events', {
    method: 'HEAD',
    token: await tenant.token('read'),
  });
  expect(response.status).toBe(200);
  expect(await response.text()).toBe('');
});

test('clients that vanish leave nothing behind', async () => {
  const tenant = await fixture.tenant();
  const token = await tenant.token('read');
  const descriptors = () => readdirSync(`/proc/${fixture.server.pid}/fd`).length;
  const baseline = descriptors();
  const streams = await Promise.all(Array.from({ length: 100 }, () => follow(token)));
  await orchestratorOf(tenant);
  await Promise.all(streams.map((stream) => stream.until((messages) => messages.length > 0)));
  expect(descriptors()).toBeGreaterThanOrEqual(baseline + 50);
  for (const stream of streams) stream.close();
  await eventually(() => descriptors() <= baseline + 5, 30_000);
});

test('a client that does not read is dropped, and the others are not', async () => {
  const tenant = await fixture.tenant();
  const token = await tenant.token('read');
  const orchestrator = await orchestratorOf(tenant);
  const socket = connect(fixture.server.port, '127.0.0.1');
  onTestFinished(() => {
    socket.destroy();
  });
  let ended = false;
  socket.on('close', () => {
    ended = true;
  });
  socket.on('error', () => undefined);
  socket.write(
    `GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:${fixture.server.port}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
  );
  await new Promise((resolve) => socket.once('data', resolve));
  socket.pause();
  const reader = await follow(token);
  await eventually(() => reader.lastId() !== undefined, 5_000);

  const batch = Array.from({ length: 5_000 }, (_, index) => ({
    title: `${index}`,
    orchestratorId: orchestrator.id,
  }));
  for (let round = 0; round < 8; round += 1) await tenant.engine.createTasks(batch);
  await reader.until((messages) => messages.length >= 40_000, 30_000);
  expect(reader.ended()).toBe(false);

  let received = 0;
  socket.on('data', (chunk) => {
    received += chunk.length;
  });
  socket.resume();
  await eventually(() => ended, 10_000);
  expect(received).toBeLessThan(reader.messages.reduce((sum, { data }) => sum + data.length, 0));
});

import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { supervise } from '@/server/loops/supervise';
import { sweep } from '@/server/loops/sweep';
import { serverFixture } from './support/serverFixture';

const fixture = serverFixture();

test('a task whose daemon fell silent is claimable again within seconds, and its history says why once', async () => {
  const { engine } = await fixture.tenant();
  const orchestrator = await engine.createOrchestrator({ name: 'One', role: 'r', discipline: 'd' });
  const task = await engine.createTask({ title: 'Lost', orchestratorId: orchestrator.id });
  await engine.claimNextTask(orchestrator.id, { leaseSeconds: 1 });

  const deadline = performance.now() + 8_000;
  while ((await engine.selectNextTask(orchestrator.id)) === null) {
    if (performance.now() > deadline) throw new Error('The lease was not swept');
    await delay(50);
  }
  const { events } = await engine.listTaskEvents(task.id);
  expect(events.filter(({ type }) => type === 'task.lease_lost')).toHaveLength(1);
});

test('of several sweepers one works and the others leave it to it; the lock goes with its connection', async () => {
  const { database } = fixture.test;
  const { engine } = await fixture.tenant();
  const holder = await database.pool.connect();
  await holder.query('BEGIN');
  // The server of this file sweeps too: wait for the lock instead of asking whether it is free.
  await holder.query('SELECT pg_advisory_xact_lock(5270102)');
  expect(await sweep(database, engine)).toBe(false);
  holder.release(true);
  const deadline = performance.now() + 5_000;
  while (!(await sweep(database, engine))) {
    if (performance.now() > deadline) throw new Error('The lock of a lost connection was kept');
  }
});

test('a sweep that fails gives its lock and its connection back', async () => {
  const { database } = fixture.test;
  const { engine } = await fixture.tenant();
  const failing = { ...engine, sweepExpiredLeases: () => Promise.reject(new Error('broken')) };
  for (let round = 0; round < 15; round += 1) {
    // False where the server of this file is just sweeping.
    await sweep(database, failing).then(
      (ours) => expect(ours).toBe(false),
      (error: Error) => expect(error.message).toBe('broken'),
    );
  }
  expect(database.pool.waitingCount).toBe(0);
  const deadline = performance.now() + 5_000;
  while (!(await sweep(database, engine))) {
    if (performance.now() > deadline) throw new Error('The lock of a failed sweep was kept');
  }
});

test('a round that fails ends neither the loop nor the rounds after it; the signal ends it at once', async () => {
  const abort = new AbortController();
  let rounds = 0;
  const ended = supervise(
    {
      name: 'test',
      everyMs: 1,
      round: async () => {
        rounds += 1;
        if (rounds < 5) throw new Error('broken');
        if (rounds === 8) abort.abort();
        return 'again';
      },
    },
    abort.signal,
  );
  await ended;
  expect(rounds).toBe(8);
});

test('a loop that is done ends by itself', async () => {
  let rounds = 0;
  await supervise(
    { name: 'test', everyMs: 1, round: async () => (++rounds === 3 ? 'done' : 'again') },
    new AbortController().signal,
  );
  expect(rounds).toBe(3);
});

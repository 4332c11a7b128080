import { expect, test } from 'vitest';
import { createFixture } from './support/engineFixture.js';

const fixture = createFixture();

async function register(name: string): Promise<string> {
  const orchestrator = await fixture.orchestrator();
  const registration = { name, host: 'h', version: '1', slots: 1, orchestratorIds: [orchestrator.id] };
  return (await fixture.engine.registerDaemon(registration)).id;
}

async function lookAt(id: string) {
  const daemon = (await fixture.engine.listDaemons()).find((one) => one.id === id);
  const { events } = await fixture.engine.readEvents({ limit: 5_000 });
  const told = events.filter(({ daemonId, type }) => daemonId === id && type === 'daemon.lost');
  const back = events.filter(({ daemonId, type }) => daemonId === id && type === 'daemon.returned');
  return { state: daemon?.state, lostAt: daemon?.lostAt, told, back };
}

/** The time of the test, some seconds after the one that it began at. */
function clockFrom(start: number) {
  return (seconds: number) => {
    fixture.clock.now = new Date(start + seconds * 1_000);
    return fixture.clock.now;
  };
}

test('a daemon that was not heard for a minute is lost, once, until it is heard again', async () => {
  const { engine } = fixture;
  const start = Date.now();
  const at = clockFrom(start);
  at(0);
  const [silent, alive] = [await register('silent'), await register('alive')];
  at(59);
  await engine.heartbeatDaemon(alive, {});
  expect((await engine.sweepExpiredLeases()).lostDaemons).toEqual([]);
  const noted = at(60);
  // Who could not be reached says nothing of its daemons.
  expect((await engine.sweepExpiredLeases({ reachableSeconds: 59 })).lostDaemons).toEqual([]);
  expect((await engine.sweepExpiredLeases({ reachableSeconds: 60 })).lostDaemons).toEqual([silent]);
  at(61);
  expect((await engine.sweepExpiredLeases()).lostDaemons).toEqual([]);
  expect(await lookAt(silent)).toMatchObject({
    state: 'ACTIVE',
    lostAt: noted,
    told: [
      { from: 'ACTIVE', actor: 'engine', at: noted, data: { lastSeenAt: new Date(start).toISOString() } },
    ],
  });
  expect(await lookAt(alive)).toMatchObject({ lostAt: null, told: [] });

  const returned = at(62);
  await engine.heartbeatDaemon(silent, {});
  await engine.heartbeatDaemon(silent, {});
  expect(await lookAt(silent)).toMatchObject({
    lostAt: null,
    back: [{ to: 'ACTIVE', at: returned, data: { lostAt: noted.toISOString() } }],
  });
  expect((await lookAt(alive)).back).toEqual([]);
  at(120);
  expect((await engine.sweepExpiredLeases()).lostDaemons).toEqual([alive]);
  at(123);
  expect((await engine.sweepExpiredLeases()).lostDaemons).toEqual([silent]);
  expect((await lookAt(silent)).told).toHaveLength(2);
  await register('silent');
  expect(await lookAt(silent)).toMatchObject({ state: 'ACTIVE', lostAt: null });
  fixture.clock.now = null;
});

test('a daemon that has said goodbye is not lost, and what a lost one holds runs out by itself', async () => {
  const { engine } = fixture;
  const at = clockFrom(Date.now() + 3_600_000);
  at(0);
  await engine.sweepExpiredLeases();
  const [stopped, killed] = [await register('stopped'), await register('killed')];
  await engine.heartbeatDaemon(stopped, { state: 'STOPPED' });
  await engine.heartbeatDaemon(killed, { state: 'DRAINING' });
  const orchestrator = await fixture.orchestrator();
  const task = await fixture.task(orchestrator);
  await engine.claimNextTask(orchestrator.id, { daemonId: killed, leaseSeconds: 120 });
  at(70);
  expect(await engine.sweepExpiredLeases()).toMatchObject({ lostDaemons: [killed], lost: [] });
  expect((await engine.getTask(task.id)).status).toBe('IN_PROGRESS');
  expect(await lookAt(stopped)).toMatchObject({ state: 'STOPPED', lostAt: null, told: [] });
  fixture.clock.now = null;
});

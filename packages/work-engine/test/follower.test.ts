import type { EngineEvent } from '@neolith/contracts';
import { openDatabase } from '@neolith/database';
import pg from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createWorkEngine } from '../src/createWorkEngine.js';
import { followEventTable } from '../src/events/followEventTable.js';
import { createFixture } from './support/engineFixture.js';
import { until } from './support/history.js';
import { type Sent, watchPool } from './support/watchedPool.js';

const fixture = createFixture({ poolSize: 4 });
const ALL = { workspaceId: null, onEvents: () => undefined };

/** A follower of its own pool, as another process would have one; what it reads and tells is noted. */
function follower() {
  const database = openDatabase(fixture.test.url, { poolSize: 4 });
  const { pool, sent } = watchPool(database.pool);
  const faults: unknown[] = [];
  const events = followEventTable({ pool }, (error) => faults.push(error));
  onTestFinished(async () => {
    await events.close();
    await database.close();
  });
  const named = (name: string) => sent.filter((one) => one.name === name);
  return { events, sent, faults, looks: () => named('read_events'), told: () => named('notify_events') };
}

/** What processes tell one another, as one of them hears it. */
async function overhear(): Promise<string[]> {
  const client = new pg.Client({ connectionString: fixture.test.url });
  await client.connect();
  onTestFinished(() => client.end());
  const heard: string[] = [];
  client.on('notification', ({ payload }) => heard.push(payload ?? ''));
  await client.query('LISTEN neolith_events');
  return heard;
}

const EVENT = `INSERT INTO events (workspace_id, at, type, actor)
  SELECT id, now(), 'task.updated', 'test' FROM workspaces WHERE slug = 'test'`;
/** An event that no follower is told of. */
const commitEvent = () => fixture.test.database.pool.query(EVENT);

/** What began before what follows and hasn't ended: until it does, later events don't show. */
async function olderTransaction(): Promise<{ end(): Promise<void> }> {
  const client = await fixture.test.database.pool.connect();
  await client.query('BEGIN');
  await client.query('SELECT pg_current_xact_id()');
  let ended = false;
  const end = async () => {
    if (ended) return;
    ended = true;
    await client.query('ROLLBACK');
    client.release();
  };
  onTestFinished(end);
  return { end };
}

const isListening = () =>
  until(async () => {
    const { rows } = await fixture.test.database.pool.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle' AND query = 'LISTEN neolith_events'
         AND application_name = 'neolith'`,
    );
    return (rows[0]?.n ?? 0) > 0;
  });

/**
 * Pokes a follower that has heard of nothing for a while and is resting: between two of its looks, and after `before`.
 * Answers how many times it had looked by then.
 */
async function pokeAtRest(
  { events, looks }: Pick<ReturnType<typeof follower>, 'events' | 'looks'>,
  before: () => Promise<unknown> = async () => undefined,
): Promise<number> {
  for (;;) {
    const looked = await until(async () => {
      const [last, latest] = looks().slice(-2);
      return (
        last !== undefined &&
        latest !== undefined &&
        latest.answeredAt !== null &&
        latest.at - last.at > 350 &&
        looks().length
      );
    });
    await before();
    if (looks().length > looked) continue;
    events.poke();
    return looked;
  }
}

describe('a poke', () => {
  test('says at once for whom there is work, to all who want to know', async () => {
    const { events } = follower();
    const told: [string, ReadonlySet<string>][] = [];
    const first = await events.subscribe({ ...ALL, onWork: (work) => told.push(['first', work]) });
    await events.subscribe(ALL);
    await events.subscribe({ ...ALL, onWork: (work) => told.push(['second', work]) });
    const work = new Set(['orch_a', 'orch_b']);
    events.poke(work);
    // Nothing was awaited: no read and no other process is in between.
    expect(told).toEqual([
      ['first', work],
      ['second', work],
    ]);
    events.poke();
    events.poke(new Set());
    expect(told).toHaveLength(2);
    first.stop();
    events.poke(work);
    expect(told.map(([who]) => who)).toEqual(['first', 'second', 'second']);
    await events.close();
    events.poke(work);
    expect(told).toHaveLength(3);
  });

  test('doesn’t fail whoever committed when a subscriber does, and the others are told', async () => {
    const { events, faults } = follower();
    const told: ReadonlySet<string>[] = [];
    await events.subscribe({
      ...ALL,
      onWork: () => {
        throw new Error('subscriber at fault');
      },
    });
    await events.subscribe({ ...ALL, onWork: (work) => told.push(work) });
    const work = new Set(['orch_a']);
    expect(() => events.poke(work)).not.toThrow();
    expect(told).toEqual([work]);
    expect(faults.map(String)).toEqual(['Error: subscriber at fault']);
  });

  test('lets those who wait here go first: others are told after the look', async () => {
    const { events, sent, looks, told } = follower();
    await events.subscribe(ALL);
    await isListening();
    const looked = await pokeAtRest({ events, looks });
    const [telling] = await until(async () => told().length > 0 && told());
    const look = looks()[looked] as Sent;
    expect(sent.indexOf(telling as Sent)).toBeGreaterThan(sent.indexOf(look));
    expect(telling?.at).toBeGreaterThanOrEqual(look.answeredAt ?? Number.POSITIVE_INFINITY);
  });

  test('tells others at once where nobody waits, and of many at once no more than twice', async () => {
    const heard = await overhear();
    const { events, sent, told } = follower();
    for (let n = 0; n < 100; n += 1) events.poke();
    expect(told()).toHaveLength(1);
    await until(async () => heard.length >= 2);
    const [first, second] = told() as [Sent, Sent];
    expect(second.at - first.at).toBeGreaterThanOrEqual(19);
    await events.close();
    expect(sent.map(({ name }) => name)).toEqual(['notify_events', 'notify_events']);
  });

  test('is told to others even when its process ends right after it', async () => {
    const heard = await overhear();
    const idle = follower();
    idle.events.poke();
    // The first telling may have been over before this commit: who looked then would not look again.
    idle.events.poke();
    await idle.events.close();
    await until(async () => heard.length === 2);

    const busy = follower();
    await busy.events.subscribe(ALL);
    await isListening();
    busy.events.poke();
    await busy.events.close();
    await until(async () => heard.length === 3);
  });
});

test('what a follower tells others is no news to itself', async () => {
  const heard = await overhear();
  const { events, looks } = follower();
  const got: EngineEvent[] = [];
  let foundBy = 0;
  await events.subscribe({
    workspaceId: null,
    onEvents: (found) => {
      got.push(...found);
      foundBy = looks().length;
    },
  });
  await isListening();
  for (let round = 1; round <= 3; round += 1) {
    const looked = await pokeAtRest({ events, looks }, commitEvent);
    await until(async () => foundBy > looked && heard.length === round && looks().length > foundBy);
    const [finding, next] = looks().slice(foundBy - 1) as [Sent, Sent];
    expect(next.at - finding.at).toBeGreaterThan(45);
  }
  // Of another process it is.
  const other = follower();
  const looked = await pokeAtRest({ events: { ...events, poke: other.events.poke }, looks });
  const rest = (looks()[looked - 1]?.at ?? 0) - (looks()[looked - 2]?.at ?? 0);
  await until(async () => looks().length > looked + 1);
  const [first, second] = looks().slice(looked) as [Sent, Sent];
  expect(second.at - first.at).toBeLessThan(rest);
});

test('what was signalled and doesn’t show yet is looked for after 2 ms, then each time after twice as long', async () => {
  const { events, looks } = follower();
  const got: EngineEvent[] = [];
  let foundBy = 0;
  await events.subscribe({
    workspaceId: null,
    onEvents: (found) => {
      got.push(...found);
      foundBy = looks().length;
    },
  });
  await isListening();
  let older = await olderTransaction();
  const before = await pokeAtRest({ events, looks }, commitEvent);
  await until(async () => looks().length >= before + 6);
  expect(got).toEqual([]);
  const times = looks()
    .slice(before, before + 6)
    .map(({ at }) => at);
  const rests = times.slice(1).map((at, n) => at - (times[n] as number));
  // 2, 4, 8, 16 and 32: timers may be a millisecond early, and on a busy machine late; 50, 100… would be 1,550.
  rests.forEach((ms, n) => {
    expect(ms).toBeGreaterThanOrEqual(2 ** (n + 1) - 1);
  });
  expect((times[5] as number) - (times[0] as number)).toBeLessThan(700);
  await older.end();
  await until(async () => got.length > 0);

  // Once it shows there is no hurry any more, however close the looks were by then.
  older = await olderTransaction();
  const looked = await pokeAtRest({ events, looks }, commitEvent);
  await until(async () => looks().length > looked);
  await older.end();
  await until(async () => foundBy > looked && looks().length > foundBy);
  const [finding, next] = looks().slice(foundBy - 1) as [Sent, Sent];
  expect(next.at - finding.at).toBeGreaterThan(45);
});

test('who waits for an orchestrator is given a task of this process before its event can be read', async () => {
  const database = openDatabase(fixture.test.url, { poolSize: 4 });
  const { pool, sent } = watchPool(database.pool);
  const engine = createWorkEngine({ ...database, pool }).as({
    workspaceId: (await fixture.engine.getWorkspace()).id.slice('ws_'.length),
  });
  onTestFinished(async () => {
    await engine.close();
    await database.close();
  });
  const orchestrator = await fixture.orchestrator();
  const waits: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const older = await olderTransaction();
    const cursor = await fixture.engine.currentCursor();
    sent.length = 0;
    const waiting = engine.waitForClaim(orchestrator.id, { waitSeconds: 20 });
    // The first look, and the one after it has subscribed.
    await until(
      async () =>
        sent.filter(({ name, answeredAt }) => name === 'claim_tasks' && answeredAt !== null).length >= 2,
    );
    const begun = performance.now();
    const task = await engine.createTask({ title: 'New', orchestratorId: orchestrator.id });
    const { claims } = await waiting;
    waits.push(performance.now() - begun);
    expect(claims.map((claim) => claim.task.id)).toEqual([task.id]);
    expect((await fixture.engine.readEvents({ cursor })).events).toEqual([]);
    await engine.completeTask(task.id, { status: 'completed', attemptId: claims[0]?.attempt.id });
    await older.end();
  }
  // Otherwise found by the look that comes a second after the last.
  expect(Math.min(...waits)).toBeLessThan(500);
});

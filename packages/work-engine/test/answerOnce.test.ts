import { createHash, randomUUID } from 'node:crypto';
import { isNeolithError } from '@neolith/contracts';
import { openDatabase } from '@neolith/database';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createWorkEngine } from '../src/createWorkEngine.js';
import type { KeptAnswer, KeyedCall, WorkEngine } from '../src/index.js';
import { createFixture } from './support/engineFixture.js';
import { refusal as refusalOf } from './support/history.js';

const fixture = createFixture();
const refusal = async (call: Promise<unknown>) => (await refusalOf(call)).code;
const tokenId = randomUUID();
const callOf = (key: string, what: string = key): KeyedCall => ({
  tokenId,
  key,
  fingerprint: createHash('sha256').update(what).digest(),
});
const answerOf = (status: number, value: unknown): KeptAnswer => ({
  status,
  body: Buffer.from(JSON.stringify(value)),
});
const refuse = (error: unknown): KeptAnswer | null =>
  isNeolithError(error) && error.status < 500 ? answerOf(error.status, { code: error.code }) : null;
const textOf = ({ body }: KeptAnswer) => (body === null ? null : Buffer.from(body).toString());
const titles = async () => {
  const { tasks } = await fixture.engine.listTasks({ limit: 500 });
  return tasks.map(({ title }) => title).sort();
};
const create =
  (title: string) =>
  async ({ engine }: { engine: WorkEngine }) =>
    answerOf(201, await engine.createTask({ title }));

afterEach(async () => {
  fixture.clock.now = null;
  await fixture.test.database.pool.query('DELETE FROM idempotency_keys');
  await fixture.test.database.pool.query('DELETE FROM tasks');
});

/** A database that loses the connection `before` or `after` the commit of a keyed call. */
function losing(when: 'before' | 'after'): WorkEngine {
  const { database } = fixture.test;
  const engine = createWorkEngine({
    ...database,
    transaction: async (work) => {
      const result = await database.transaction(async (doors) => {
        const done = await work(doors);
        if (when === 'before') throw Object.assign(new Error('Connection terminated'), { code: '57P01' });
        return done;
      });
      if (when === 'after') throw Object.assign(new Error('Connection terminated'), { code: '57P01' });
      return result;
    },
  });
  return engine.as({ workspaceId });
}

let workspaceId = '';
let other: WorkEngine;
const closing: { close(): Promise<void> }[] = [];
beforeAll(async () => {
  workspaceId = (await fixture.engine.getWorkspace()).id;
  // Another process, as far as the database knows.
  const database = openDatabase(fixture.test.url);
  const engine = createWorkEngine(database);
  other = engine.as({ workspaceId });
  closing.push(engine, database);
});
afterAll(async () => {
  for (const each of closing) await each.close();
});

test('the same call with the same key has its effect once, and gets the same answer', async () => {
  const first = await fixture.engine.answerOnce(callOf('a'), create('A'));
  const again = await fixture.engine.answerOnce(callOf('a'), create('A'));
  expect([first.replayed, again.replayed]).toEqual([false, true]);
  expect([again.status, textOf(again)]).toEqual([201, textOf(first)]);
  expect(await titles()).toEqual(['A']);
});

test('twenty at once, in two processes, have the effect of one', async () => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      (index % 2 === 0 ? fixture.engine : other).answerOnce(callOf('b'), create('B')),
    ),
  );
  expect(new Set(answers.map(textOf)).size).toBe(1);
  expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
  expect(await titles()).toEqual(['B']);
});

test.each(['before', 'after'] as const)('a connection that is lost %s the commit', async (when) => {
  const call = callOf(`lost ${when}`);
  expect(await refusal(losing(when).answerOnce(call, create('C')))).toBe('DATABASE_UNAVAILABLE');
  expect(await titles()).toEqual(when === 'before' ? [] : ['C']);
  const again = await fixture.engine.answerOnce(call, create('C'));
  expect(again).toMatchObject({ status: 201, replayed: when === 'after' });
  expect(await titles()).toEqual(['C']);
});

test('the key with another call is refused, and nothing is done', async () => {
  await fixture.engine.answerOnce(callOf('d'), create('D'));
  expect(await refusal(fixture.engine.answerOnce(callOf('d', 'else'), create('E')))).toBe(
    'IDEMPOTENCY_KEY_REUSED',
  );
  expect(await titles()).toEqual(['D']);
});

test('another token’s and another workspace’s key of the same name is another key', async () => {
  const { engine: foreign } = await fixture.foreign();
  await fixture.engine.answerOnce(callOf('e'), create('E'));
  await fixture.engine.answerOnce({ ...callOf('e', 'else'), tokenId: randomUUID() }, create('E of another'));
  expect((await foreign.answerOnce(callOf('e', 'else'), create('E elsewhere'))).replayed).toBe(false);
  expect(await titles()).toEqual(['E', 'E of another']);
});

test('a refusal is an answer: it is kept, and what was done until then is undone', async () => {
  const work = async ({ engine }: { engine: WorkEngine }): Promise<KeptAnswer> => {
    await engine.createTask({ title: 'Half' });
    await engine.createChannel({ name: 'Taken' });
    await engine.createChannel({ name: 'Taken' });
    return answerOf(201, {});
  };
  const first = await fixture.engine.answerOnce(callOf('f'), work, { refusal: refuse });
  expect([first.status, textOf(first)]).toEqual([409, '{"code":"NAME_TAKEN"}']);
  expect(await titles()).toEqual([]);
  expect((await fixture.engine.listChannels()).map(({ name }) => name)).not.toContain('Taken');
  const again = await fixture.engine.answerOnce(callOf('f'), create('F'), { refusal: refuse });
  expect(again).toMatchObject({ status: 409, replayed: true });
});

test('what is no answer keeps nothing: the same call is made anew', async () => {
  const failing = async ({ engine }: { engine: WorkEngine }): Promise<KeptAnswer> => {
    await engine.createTask({ title: 'Half' });
    throw new Error('A fault of ours');
  };
  await expect(fixture.engine.answerOnce(callOf('g'), failing, { refusal: refuse })).rejects.toThrow(
    'A fault of ours',
  );
  expect(await titles()).toEqual([]);
  expect(await fixture.engine.answerOnce(callOf('g'), create('G'))).toMatchObject({ replayed: false });
});

test('a claim that is waited for is woken by the commit, not before it', async () => {
  const orchestrator = await fixture.orchestrator();
  const waiting = fixture.engine.waitForClaim(orchestrator.id, { waitSeconds: 10 });
  const begun = performance.now();
  await fixture.engine.answerOnce(callOf('h'), async ({ engine }) =>
    answerOf(201, await engine.createTask({ title: 'H', orchestratorId: orchestrator.id })),
  );
  expect((await waiting).claims).toHaveLength(1);
  expect(performance.now() - begun).toBeLessThan(5_000);
});

test('a first call that does not end is waited for a while only', async () => {
  let go = () => {};
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  let begun = () => {};
  const atWork = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const first = fixture.engine.answerOnce(callOf('i'), async (within) => {
    begun();
    await gate;
    return create('I')(within);
  });
  await atWork;
  expect(await refusal(fixture.engine.answerOnce(callOf('i'), create('I')))).toBe('IDEMPOTENCY_KEY_IN_USE');
  go();
  expect(await first).toMatchObject({ status: 201 });
  expect(await titles()).toEqual(['I']);
});

test('keys are kept for a day, and then swept', async () => {
  const count = async () => (await fixture.test.database.pool.query('SELECT FROM idempotency_keys')).rowCount;
  fixture.clock.now = new Date('2026-03-09T12:00:00Z');
  await fixture.engine.answerOnce(callOf('j'), create('J'));
  await fixture.engine.answerOnce(callOf('k'), create('K'));
  fixture.clock.advanceSeconds(86_399);
  await fixture.engine.sweepExpiredLeases();
  expect(await fixture.engine.answerOnce(callOf('j'), create('J'))).toMatchObject({ replayed: true });
  fixture.clock.advanceSeconds(1);
  // Also where no sweep came by.
  expect(await fixture.engine.answerOnce(callOf('j', 'else'), create('L'))).toMatchObject({
    replayed: false,
  });
  expect(await count()).toBe(2);
  await fixture.engine.sweepExpiredLeases();
  expect(await count()).toBe(1);
});

test('a call that is idempotent by nature keeps its first answer, is made again where that got lost, and refuses others', async () => {
  let made = 0;
  const work = async () => {
    made += 1;
    return answerOf(200, { made });
  };
  const call = callOf('n');
  await expect(
    fixture.engine.answerRepeatable(call, async () => {
      throw new Error('Gone');
    }),
  ).rejects.toThrow('Gone');
  const answers = await Promise.all([
    fixture.engine.answerRepeatable(call, work),
    fixture.engine.answerRepeatable(call, work),
  ]);
  expect(new Set(answers.map(textOf)).size).toBe(1);
  const before = made;
  expect(textOf(await fixture.engine.answerRepeatable(call, work))).toBe(textOf(answers[0] as KeptAnswer));
  expect(made).toBe(before);
  expect(await refusal(fixture.engine.answerRepeatable(callOf('n', 'else'), work))).toBe(
    'IDEMPOTENCY_KEY_REUSED',
  );
});

import { randomUUID } from 'node:crypto';
import { isNeolithError } from '@neolith/contracts';
import { describe, expect, test } from 'vitest';
import { createLane } from '../src/lanes/lane.js';
import { createTurns } from '../src/lanes/turns.js';
import { createFixture } from './support/engineFixture.js';

const fixture = createFixture();

async function distinct(type: string): Promise<number> {
  const { rows } = await fixture.test.database.pool.query<{ amount: number }>(
    'SELECT count(DISTINCT xid)::int AS amount FROM events WHERE type = $1',
    [type],
  );
  return rows[0]?.amount ?? 0;
}

describe('calls that arrive together', () => {
  test('write their progress in a few transactions, each fenced by itself', async () => {
    const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 100 });
    for (let made = 0; made < 40; made += 1) await fixture.task(orchestrator);
    const { claims } = await fixture.engine.claimNextTask(orchestrator.id, { max: 40 });
    const stale = claims[7]?.attempt.id as string;
    await fixture.engine.releaseAttempt(stale);

    const answers = await Promise.allSettled(
      claims.map(({ task, attempt }, index) =>
        fixture.engine.updateTaskProgress({
          taskId: task.id,
          attemptId: attempt.id,
          progress: index,
          message: `at ${index}`,
          metadata: index === 9 ? { large: 'x'.repeat(70_000) } : { index },
        }),
      ),
    );

    const refused = answers.flatMap((answer, index) =>
      answer.status === 'rejected' ? [[index, (answer.reason as { code: string }).code]] : [],
    );
    expect(refused).toEqual([
      [7, 'LEASE_LOST'],
      [9, 'METADATA_TOO_LARGE'],
    ]);
    for (const [index, answer] of answers.entries()) {
      if (answer.status === 'rejected') continue;
      expect(answer.value).toMatchObject({
        id: claims[index]?.task.id,
        progress: index,
        progressMessage: `at ${index}`,
        metadata: { index },
      });
    }
    const { rows } = await fixture.test.database.pool.query(
      `SELECT count(*)::int AS told FROM events WHERE type = 'task.progress'`,
    );
    expect(rows[0]).toEqual({ told: 38 });
    expect(await distinct('task.progress')).toBeLessThanOrEqual(3);
  });

  test('end their tasks in a few transactions, whatever becomes of the neighbours, and each tells what it freed', async () => {
    const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 100 });
    for (let made = 0; made < 40; made += 1) await fixture.task(orchestrator);
    const { claims } = await fixture.engine.claimNextTask(orchestrator.id, { max: 40 });
    const complete = (index: number) =>
      fixture.engine.completeTask(claims[index]?.task.id as string, {
        status: 'completed',
        attemptId: claims[index]?.attempt.id as string,
        output: { index },
      });
    const waiting = await fixture.task(orchestrator, {
      tags: ['after'],
      dependsOn: [claims[20]?.task.id as string],
    });
    await fixture.engine.releaseAttempt(claims[7]?.attempt.id as string);
    await complete(9);
    const before = await distinct('task.completed');

    const answers = await Promise.allSettled(claims.map((_, index) => complete(index)));

    for (const [index, answer] of answers.entries()) {
      if (index === 7) expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'LEASE_LOST' } });
      else
        expect(answer).toMatchObject({
          status: 'fulfilled',
          value: {
            taskId: claims[index]?.task.id,
            attemptId: claims[index]?.attempt.id,
            status: 'DONE',
            replayed: index === 9,
            unblocked: index === 20 ? [waiting.id] : [],
          },
        });
    }
    expect((await distinct('task.completed')) - before).toBeLessThanOrEqual(3);
    const next = await fixture.engine.claimNextTask(orchestrator.id, {
      criteria: { requireTags: ['after'] },
    });
    expect(next.claims[0]?.task.id).toBe(waiting.id);
  });

  test('two reports of one task are written one after the other', async () => {
    const orchestrator = await fixture.orchestrator();
    await fixture.task(orchestrator);
    const { claims } = await fixture.engine.claimNextTask(orchestrator.id);
    const { task, attempt } = claims[0] as (typeof claims)[number];
    const report = (progress: number) =>
      fixture.engine.updateTaskProgress({
        taskId: task.id,
        attemptId: attempt.id,
        progress,
        metadata: { [`at${progress}`]: true },
      });
    const [, last] = await Promise.all([report(10), report(20)]);
    expect(last).toMatchObject({ progress: 20, metadata: { at10: true, at20: true } });
  });

  test('renew each list of leases by itself, and tell who owns nothing', async () => {
    const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 100 });
    for (let made = 0; made < 30; made += 1) await fixture.task(orchestrator);
    const { claims } = await fixture.engine.claimNextTask(orchestrator.id, { max: 30 });
    const lost = claims[3]?.attempt.id as string;
    await fixture.engine.releaseAttempt(lost);
    const answers = await Promise.allSettled(
      claims.map(({ attempt }) => fixture.engine.renewLease(attempt.id)),
    );
    for (const [index, answer] of answers.entries()) {
      if (index === 3) expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'LEASE_LOST' } });
      else
        expect(answer).toMatchObject({
          status: 'fulfilled',
          value: { attemptId: claims[index]?.attempt.id, owned: true },
        });
    }
  });

  test('tell of each daemon that it lives, and of one that there is none', async () => {
    const orchestrator = await fixture.orchestrator();
    const daemons = await Promise.all(
      ['a', 'b', 'c'].map((name) =>
        fixture.engine.registerDaemon({
          name,
          host: 'host',
          version: '1',
          slots: 1,
          agents: [],
          orchestratorIds: [orchestrator.id],
        }),
      ),
    );
    const unknown = `daemon_${randomUUID()}`;
    const answers = await Promise.allSettled([
      ...daemons.map(({ id }) => fixture.engine.heartbeatDaemon(id, {})),
      fixture.engine.heartbeatDaemon(unknown, {}),
      fixture.engine.heartbeatDaemon(daemons[1]?.id as string, { state: 'DRAINING' }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    expect((await fixture.engine.listDaemons()).map(({ state }) => state)).toEqual([
      'ACTIVE',
      'DRAINING',
      'ACTIVE',
    ]);
  });
});

describe('a lane', () => {
  test('does a lone call at once, and gathers the others while it is under way', async () => {
    const batches: number[][] = [];
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const lane = createLane<number, number>({
      batchLimit: () => 3,
      mayBeOneCalls: () => false,
      async run(calls) {
        batches.push([...calls]);
        if (batches.length === 1) await held;
        return calls.map((call) => call * 2);
      },
    });
    const first = lane.submit(1);
    await Promise.resolve();
    expect(batches).toEqual([[1]]);
    const others = [2, 3, 4, 5].map((call) => lane.submit(call));
    release();
    expect(await Promise.all([first, ...others])).toEqual([2, 4, 6, 8, 10]);
    expect(batches).toEqual([[1], [2, 3, 4], [5]]);
  });

  test('keeps the order of calls that may not share a batch', async () => {
    const batches: string[][] = [];
    const lane = createLane<string, string>({
      batchLimit: () => 10,
      keyOf: (call) => call.charAt(0),
      mayBeOneCalls: () => false,
      async run(calls) {
        batches.push([...calls]);
        return [...calls];
      },
    });
    await Promise.all(['a1', 'b1', 'a2', 'b2', 'a3'].map((call) => lane.submit(call)));
    expect(batches).toEqual([['a1', 'b1'], ['a2', 'b2'], ['a3']]);
  });

  test('ends a batch before it brings too much along, but a call that does so alone goes', async () => {
    const batches: number[][] = [];
    const lane = createLane<number, number>({
      batchLimit: () => 10,
      sizeOf: (call) => call,
      mayBeOneCalls: () => false,
      async run(calls) {
        batches.push([...calls]);
        return [...calls];
      },
    });
    await Promise.all([400_000, 600_000, 1, 5_000_000, 2, 3].map((call) => lane.submit(call)));
    expect(batches).toEqual([[400_000, 600_000], [1], [5_000_000], [2, 3]]);
  });

  test('refuses calls rather than hold more than it could answer', async () => {
    const lane = createLane<number, number>({
      batchLimit: () => 1,
      mayBeOneCalls: () => false,
      run: () => new Promise(() => undefined),
    });
    for (let call = 0; call <= 20_000; call += 1) lane.submit(call).catch(() => undefined);
    const refused = await lane.submit(0).catch((error: unknown) => error);
    expect(isNeolithError(refused) && refused.code).toBe('OVERLOADED');
  });
});

describe('turns', () => {
  test('let calls of one kind go together, and halve those that take turns', () => {
    const turns = createTurns();
    const claims = turns.of('claims');
    const endings = turns.of('endings');
    for (let call = 0; call < 300; call += 1) void turns.count(new Promise(() => undefined));
    expect(claims()).toBe(256);
    expect(claims()).toBe(256);
    expect(endings()).toBe(150);
    expect(claims()).toBe(150);
    // No ending since: nobody takes turns any more.
    expect(claims()).toBe(256);
  });

  test('do not halve few calls, and forget those that were answered', async () => {
    const turns = createTurns();
    const claims = turns.of('claims');
    const endings = turns.of('endings');
    await Promise.all(Array.from({ length: 300 }, () => turns.count(Promise.resolve(0))));
    claims();
    expect(endings()).toBe(64);
  });
});

test('claims of several daemons share a statement, and one that there is not takes nothing from the others', async () => {
  const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 100 });
  for (let made = 0; made < 6; made += 1) await fixture.task(orchestrator);
  const daemons = await Promise.all(
    ['left', 'right'].map((name) =>
      fixture.engine.registerDaemon({
        name,
        host: 'host',
        version: '1',
        slots: 1,
        agents: [],
        orchestratorIds: [orchestrator.id],
      }),
    ),
  );
  const before = await distinct('task.claimed');
  const ids = [daemons[0]?.id, daemons[1]?.id, `daemon_${randomUUID()}`, daemons[0]?.id] as string[];
  const answers = await Promise.allSettled(
    ids.map((daemonId) =>
      fixture.engine.claimNextTask(orchestrator.id, { daemonId, agent: `agent of ${daemonId}` }),
    ),
  );
  expect(answers[2]).toMatchObject({ status: 'rejected', reason: { code: 'DAEMON_NOT_FOUND' } });
  for (const index of [0, 1, 3])
    expect(answers[index]).toMatchObject({
      status: 'fulfilled',
      value: {
        claims: [{ attempt: { daemonId: ids[index], agent: `agent of ${ids[index]}` } }],
        reason: null,
      },
    });
  expect((await distinct('task.claimed')) - before).toBe(1);
});

import type { EngineEvent } from '@neolith/contracts';
import { beforeEach, describe, expect, test } from 'vitest';
import { createWorkEngine } from '../src/createWorkEngine.js';
import type { OrchestratorDetail, WorkEngine } from '../src/index.js';
import { createFixture } from './support/engineFixture.js';
import { refusal, until } from './support/history.js';

const fixture = createFixture({ poolSize: 6 });
let orchestrator: OrchestratorDetail;
beforeEach(async () => {
  fixture.clock.now = null;
  orchestrator = await fixture.orchestrator();
});

/** Everything after the cursor, when it has become visible: other databases of the server hold the horizon back, briefly. */
async function eventsAfter(cursor: string, count: number): Promise<EngineEvent[]> {
  return until(async () => {
    const { events } = await fixture.engine.readEvents({ cursor });
    return events.length >= count && events;
  });
}

/** Connections that listen for events. */
const listeners = async () => {
  const { rows } = await fixture.test.database.pool.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'`,
  );
  return rows.map(({ pid }) => pid);
};

describe('the stream of events', () => {
  test('never skips what a slow transaction commits after faster ones', async () => {
    const { pool } = fixture.test.database;
    const start = await fixture.engine.currentCursor();
    const slow = await pool.connect();
    const seen: string[] = [];
    let cursor = start;
    const read = async () => {
      const page = await fixture.engine.readEvents({ cursor, limit: 3 });
      cursor = page.cursor;
      seen.push(...page.events.map(({ taskId, type }) => `${type} ${taskId}`));
      return page.events.length;
    };
    try {
      await slow.query('BEGIN');
      await slow.query(
        `INSERT INTO events (workspace_id, at, type, actor) SELECT id, now(), 'task.updated', 'slow' FROM workspaces WHERE slug = 'test'`,
      );
      const fast = await fixture.engine.createTasks(
        Array.from({ length: 5 }, (_, n) => ({ title: `${n}`, orchestratorId: orchestrator.id })),
      );
      // The fast ones are committed; shown they are only after the slow one, whose rows come before them.
      await read();
      await read();
      expect(seen.filter((line) => line.includes('task_'))).toEqual([]);
      await slow.query('COMMIT');
      await until(async () => {
        await read();
        return seen.length >= 6;
      });
      expect(seen).toEqual(['task.updated null', ...fast.map(({ id }) => `task.created ${id}`)]);
    } finally {
      slow.release();
    }
  });

  test('is read page by page, and an empty page moves the cursor too', async () => {
    const start = await fixture.engine.currentCursor();
    const tasks = await fixture.engine.createTasks(
      Array.from({ length: 5 }, () => ({ title: 'a', orchestratorId: orchestrator.id })),
    );
    await eventsAfter(start, 5);
    const first = await fixture.engine.readEvents({ cursor: start, limit: 2 });
    const second = await fixture.engine.readEvents({ cursor: first.cursor, limit: 2 });
    const third = await fixture.engine.readEvents({ cursor: second.cursor, limit: 2 });
    expect([first, second, third].flatMap(({ events }) => events.map(({ taskId }) => taskId))).toEqual(
      tasks.map(({ id }) => id),
    );
    // Another workspace's history is not this one's to read, nor does its reader come back to it again and again.
    const foreign = await fixture.foreign();
    const theirs = await foreign.engine.readEvents({ cursor: start });
    expect(theirs.events.every(({ workspaceId }) => workspaceId === foreign.task.workspaceId)).toBe(true);
    const quiet = await fixture.engine
      .as({ workspaceId: foreign.task.workspaceId })
      .readEvents({ cursor: theirs.cursor });
    expect(quiet.events).toEqual([]);
    expect(BigInt(quiet.cursor.split('.')[1] as string)).toBeGreaterThanOrEqual(
      BigInt(theirs.cursor.split('.')[1] as string),
    );
  });

  test.each([
    '',
    'x',
    '1.2',
    'abc.-1.2',
    'abc.99999999999999999999.1',
    'abc.9999999999999999999.1',
    "a.1.1'; drop",
  ])('refuses the cursor %j', async (cursor) => {
    expect((await refusal(fixture.engine.readEvents({ cursor }))).code).toBe('INVALID_CURSOR');
  });

  test('refuses a cursor of another database or of before a restore', async () => {
    const [, xid, seq] = (await fixture.engine.currentCursor()).split('.');
    const error = await refusal(fixture.engine.readEvents({ cursor: `1234abcd.${xid}.${seq}` }));
    expect(error).toMatchObject({ code: 'INVALID_CURSOR', message: expect.stringContaining('restored') });
  });

  test('names who did it', async () => {
    const start = await fixture.engine.currentCursor();
    await fixture.engine.as({ actor: 'token:ci' }).createTask({ title: 'a' });
    expect((await eventsAfter(start, 1)).map(({ actor, type, to }) => [actor, type, to])).toEqual([
      ['token:ci', 'task.created', 'TODO'],
    ]);
  });
});

describe('the follower', () => {
  interface Listening {
    got: EngineEvent[];
    stop(): void;
    cursor: string;
  }
  async function listen(engine: WorkEngine, workspaceId: string | null = null): Promise<Listening> {
    const got: EngineEvent[] = [];
    const subscription = await engine.events.subscribe({
      workspaceId,
      onEvents: (events) => got.push(...events),
    });
    return { got, ...subscription };
  }
  test('hands on what this process and others commit, each once, in order, to every subscriber of the workspace', async () => {
    const [other] = fixture.others(1, 3) as [WorkEngine];
    const foreign = await fixture.foreign();
    const all = await listen(fixture.engine);
    const own = await listen(fixture.engine, orchestrator.workspaceId.slice('ws_'.length));
    const tasks: string[] = [];
    for (let n = 0; n < 10; n += 1) {
      tasks.push(
        (
          await (n % 2 === 0 ? fixture.engine : other).createTask({
            title: `${n}`,
            orchestratorId: orchestrator.id,
          })
        ).id,
      );
      await foreign.engine.createTask({ title: 'foreign', orchestratorId: foreign.orchestrator.id });
    }
    await until(async () => own.got.length >= 10 && all.got.length >= 20);
    expect(own.got.map(({ taskId }) => taskId)).toEqual(tasks);
    expect(new Set(all.got.map(({ cursor }) => cursor)).size).toBe(20);
    // From the cursor that subscribing gave, the table tells the same.
    const { events } = await fixture.engine.readEvents({ cursor: own.cursor });
    expect(events.map(({ cursor }) => cursor)).toEqual(own.got.map(({ cursor }) => cursor));
    // Who comes later is not told of before; who has stopped is not told any more.
    const late = await listen(fixture.engine);
    own.stop();
    await fixture.engine.createTask({ title: 'last', orchestratorId: orchestrator.id });
    await until(async () => all.got.length >= 21);
    await until(async () => late.got.length >= 1);
    expect(late.got).toHaveLength(1);
    expect(own.got).toHaveLength(10);
    all.stop();
    late.stop();
  });

  test('goes on when its listening connection is cut, and when a subscriber throws', async () => {
    const [other] = fixture.others(1, 3) as [WorkEngine];
    const bad = await fixture.engine.events.subscribe({
      workspaceId: null,
      onEvents: () => {
        throw new Error('subscriber at fault');
      },
    });
    const good = await listen(fixture.engine);
    const [pid] = await until(async () => {
      const pids = await listeners();
      return pids.length === 1 && pids;
    });
    await fixture.test.database.pool.query('SELECT pg_terminate_backend($1)', [pid]);
    // Another process: nothing but NOTIFY, or looking, can tell of it.
    const task = await other.createTask({ title: 'a', orchestratorId: orchestrator.id });
    await until(async () => good.got.some(({ taskId }) => taskId === task.id));
    await until(async () => (await listeners()).some((now) => now !== pid));
    expect(fixture.faults.map(String)).toContain('Error: subscriber at fault');
    bad.stop();
    good.stop();
    // Nobody listens: no connection stays behind.
    await until(async () => (await listeners()).length === 0);
  });

  test('tells other processes within a moment, by NOTIFY', async () => {
    const [here, there] = fixture.others(2, 3) as [WorkEngine, WorkEngine];
    const listening = await listen(there);
    await until(async () => (await listeners()).length > 0);
    const waits: number[] = [];
    for (let n = 0; n < 8; n += 1) {
      const seen = listening.got.length;
      const begun = performance.now();
      await here.createTask({ title: `${n}`, orchestratorId: orchestrator.id });
      await until(async () => listening.got.length > seen);
      waits.push(performance.now() - begun);
    }
    // Far below the second after which it would look by itself.
    expect(waits.sort((a, b) => a - b)[3]).toBeLessThan(500);
    listening.stop();
  });

  test('hands all subscribers of a workspace the very same array, and those of another what is theirs', async () => {
    const foreign = await fixture.foreign();
    const workspaceId = orchestrator.workspaceId.slice('ws_'.length);
    const batches: (readonly EngineEvent[])[][] = [[], [], []];
    const begin = (at: number, workspace: string) =>
      fixture.engine.events.subscribe({
        workspaceId: workspace,
        onEvents: (events) => batches[at]?.push(events),
      });
    const subscriptions = [
      await begin(0, workspaceId),
      await begin(1, workspaceId),
      await begin(2, foreign.task.workspaceId.slice('ws_'.length)),
    ];
    // The first batch may have come while one of them was still beginning.
    for (let n = 0; n < 3; n += 1) {
      await fixture.engine.createTask({ title: `${n}`, orchestratorId: orchestrator.id });
      await foreign.engine.createTask({ title: 'foreign', orchestratorId: foreign.orchestrator.id });
      await until(async () => batches.every((own) => own.flat().length > n));
    }
    expect(batches[0]?.at(-1)).toBe(batches[1]?.at(-1));
    expect(batches[0]?.flat()).toHaveLength(3);
    expect(batches[2]?.flat().map(({ workspaceId: of }) => of)).toEqual(
      Array.from({ length: 3 }, () => foreign.task.workspaceId),
    );
    for (const subscription of subscriptions) subscription.stop();
  });

  test('rests twice as long as its subscribers took, and lets a lone event wait for nothing', async () => {
    const tookMs = 20;
    const rests: number[] = [];
    let got = 0;
    let endedAt: number | null = null;
    const slow = await fixture.engine.events.subscribe({
      workspaceId: null,
      onEvents: (events) => {
        const begun = performance.now();
        if (endedAt !== null) rests.push(begun - endedAt);
        got += events.length;
        // As long as writing to many clients takes: the process can do nothing else meanwhile.
        while (performance.now() < begun + tookMs);
        endedAt = performance.now();
      },
    });
    let made = 0;
    const create = async () => {
      made += 1;
      await fixture.engine.createTask({ title: 'a', orchestratorId: orchestrator.id });
    };
    const write = async () => {
      while (rests.length < 10) await create();
    };
    await Promise.all([write(), write(), write(), write()]);
    await until(async () => got === made);
    expect(rests.slice(0, 10).sort((a, b) => a - b)[5]).toBeGreaterThan(1.5 * tookMs);

    const waits: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      const begun = performance.now();
      await create();
      await until(async () => got === made);
      waits.push(performance.now() - begun);
    }
    expect(waits.sort((a, b) => a - b)[0]).toBeLessThan(500);
    slow.stop();
  });

  test('can be stopped and begun again, and closed', async () => {
    const engine = createWorkEngine(fixture.test.database);
    for (let n = 0; n < 3; n += 1) {
      const listening = await listen(engine);
      const task = await fixture.engine.createTask({ title: 'a', orchestratorId: orchestrator.id });
      await until(async () => listening.got.some(({ taskId }) => taskId === task.id));
      listening.stop();
      if (n === 1) await until(async () => (await listeners()).length === 0);
    }
    const open = await listen(engine);
    await engine.close();
    expect(await until(async () => (await listeners()).length === 0)).toBe(true);
    engine.events.poke();
    await expect(listen(engine)).rejects.toThrow('closed');
    await fixture.engine.createTask({ title: 'a', orchestratorId: orchestrator.id });
    expect(open.got).toEqual([]);
  });
});

describe('waiting for a claim', () => {
  const wait = (engine: WorkEngine, more: object = {}) => {
    const begun = performance.now();
    return engine
      .waitForClaim(orchestrator.id, { waitSeconds: 20, ...more })
      .then((result) => ({ ...result, ms: performance.now() - begun }));
  };
  /** Until the wait has subscribed: what comes now has to wake it. */
  const settled = () => until(async () => (await listeners()).length > 0);

  test('gives at once what is there', async () => {
    const task = await fixture.task(orchestrator);
    const { claims, ms } = await wait(fixture.engine);
    expect(claims[0]?.task.id).toBe(task.id);
    expect(ms).toBeLessThan(1_000);
  });

  const wakers: [name: string, wake: (other: WorkEngine) => Promise<unknown>][] = [
    ['a task is created', (other) => other.createTask({ title: 'a', orchestratorId: orchestrator.id })],
    [
      'a prerequisite completes',
      async (other) => {
        const elsewhere = await fixture.orchestrator();
        const first = await fixture.task(elsewhere);
        await fixture.task(orchestrator, { dependsOn: [first.id] });
        await fixture.engine.executeTask(elsewhere.id, first.id);
        return other.completeTask(first.id, { status: 'completed' });
      },
    ],
    [
      'the orchestrator comes online',
      async (other) => {
        await fixture.engine.updateOrchestrator(orchestrator.id, { status: 'AWAY' });
        await fixture.task(orchestrator);
        return other.updateOrchestrator(orchestrator.id, { status: 'ONLINE' });
      },
    ],
    [
      'a task is assigned',
      async (other) => {
        const task = await fixture.engine.createTask({ title: 'nobody' });
        return other.updateTask(task.id, { orchestratorId: orchestrator.id });
      },
    ],
  ];
  test.each(wakers)('wakes when %s in another process', async (_, wake) => {
    const [other] = fixture.others(1, 3) as [WorkEngine];
    const waiting = wait(fixture.engine);
    await settled();
    await wake(other);
    const done = performance.now();
    const { claims } = await waiting;
    expect(claims).toHaveLength(1);
    // By the events, not by the look a second later. Generous: this machine is shared.
    expect(performance.now() - done).toBeLessThan(700);
  });

  test('wakes when a slot is freed', async () => {
    await fixture.engine.updateOrchestrator(orchestrator.id, { maxConcurrentTasks: 1 });
    const first = await fixture.task(orchestrator);
    const second = await fixture.task(orchestrator);
    await fixture.engine.executeTask(orchestrator.id, first.id);
    const waiting = wait(fixture.engine, { requestId: 'slot' });
    await settled();
    await fixture.engine.completeTask(first.id, { status: 'completed' });
    const { claims } = await waiting;
    expect(claims[0]?.task.id).toBe(second.id);
  });

  test('finds a task whose delay ends, which no event tells', async () => {
    const task = await fixture.task(orchestrator, { availableAt: new Date(Date.now() + 600) });
    const { claims, ms } = await wait(fixture.engine);
    expect(claims[0]?.task.id).toBe(task.id);
    expect(ms).toBeGreaterThan(300);
    expect(ms).toBeLessThan(5_000);
  });

  test('gives up in time with the reason', async () => {
    const { claims, reason, ms } = await wait(fixture.engine, { waitSeconds: 0.3 });
    expect(claims).toEqual([]);
    expect(reason).toBe('NOTHING_ELIGIBLE');
    expect(ms).toBeGreaterThanOrEqual(290);
    expect(ms).toBeLessThan(3_000);
    expect((await wait(fixture.engine, { waitSeconds: -1 })).claims).toEqual([]);
    await fixture.engine.updateOrchestrator(orchestrator.id, { status: 'OFFLINE' });
    expect((await wait(fixture.engine, { waitSeconds: 0.1 })).reason).toBe('ORCHESTRATOR_NOT_AVAILABLE');
  });

  test('ends by its signal and takes nothing for who has gone', async () => {
    const gone = new AbortController();
    const waiting = wait(fixture.engine, { signal: gone.signal });
    await settled();
    gone.abort();
    const { claims, ms } = await waiting;
    expect(claims).toEqual([]);
    expect(ms).toBeLessThan(5_000);
    await fixture.task(orchestrator);
    expect((await wait(fixture.engine, { signal: gone.signal })).claims).toEqual([]);
    expect((await fixture.engine.rankTasks(orchestrator.id)).ranking).toHaveLength(1);
  });

  test('many waiters share the tasks that come', async () => {
    await fixture.engine.updateOrchestrator(orchestrator.id, { maxConcurrentTasks: 50 });
    const [other] = fixture.others(1, 6) as [WorkEngine];
    const waiting = Array.from({ length: 12 }, (_, n) =>
      wait(n % 2 === 0 ? fixture.engine : other, { requestId: `w${n}` }),
    );
    await settled();
    const tasks = await fixture.engine.createTasks(
      Array.from({ length: 12 }, () => ({ title: 'a', orchestratorId: orchestrator.id })),
    );
    const results = await Promise.all(waiting);
    expect(results.flatMap(({ claims }) => claims.map(({ task }) => task.id)).sort()).toEqual(
      tasks.map(({ id }) => id).sort(),
    );
  });
});

import type { ResourceUse, TaskStatus } from '@neolith/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { WorkEngine } from '../../src/index.js';
import { createFixture } from '../support/engineFixture.js';
import { askersBefore, findBreaches, read, type Situation, USES, waitsFor } from './support/naive.js';

const fixture = createFixture();

const PRIORITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'] as const;
const ENDINGS = ['complete', 'fail', 'block', 'release', 'cancel', 'lose', 'merge', 'fail merge'] as const;
const STEPS = 320;
const uses = fc.subarray(USES, { minLength: 1, maxLength: 2 });
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('create' as const),
      uses: fc.subarray(USES, { maxLength: 2 }),
      priority: fc.constantFrom(...PRIORITIES),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('claim' as const), max: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 7, arbitrary: fc.record({ kind: fc.constant('ask' as const), who: fc.nat(), uses }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('give up' as const), who: fc.nat() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      who: fc.nat(),
      how: fc.constantFrom(...ENDINGS),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sweep' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

interface Live {
  taskId: string;
  merging: boolean;
}

/** One workspace: what is done in it, and what a naive reader of its board expects. */
async function openHouse(engine: WorkEngine, mergeStage: boolean) {
  const orchestrator = await engine.createOrchestrator({
    name: `House ${mergeStage}`,
    role: 'r',
    discipline: 'd',
    maxConcurrentTasks: 6,
  });
  const run = mergeStage
    ? await engine.createRun({
        name: 'Merging',
        config: { mergeStage, maxConcurrentTasks: 6, maxConcurrentMerges: 6 },
      })
    : null;
  if (run !== null) await engine.startRun(run.id);
  return {
    engine,
    orchestrator,
    runId: run?.id ?? null,
    live: new Map<string, Live>(),
    before: null as Situation | null,
  };
}
type House = Awaited<ReturnType<typeof openHouse>>;

const houses: House[] = [];

/** Time goes by, and whoever is at work renews, but for one. */
async function wait(seconds: number, dead?: string): Promise<void> {
  fixture.clock.advanceSeconds(seconds);
  for (const { engine, live } of houses)
    for (const attemptId of live.keys()) if (attemptId !== dead) await engine.renewLease(attemptId);
}

const tally: Record<string, number> = {};
const count = (what: string) => {
  tally[what] = (tally[what] ?? 0) + 1;
};

async function codeOf(call: Promise<unknown>): Promise<string | null> {
  try {
    await call;
    return null;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

async function end({ engine, live }: House, attemptId: string, how: (typeof ENDINGS)[number]): Promise<void> {
  const { taskId, merging } = live.get(attemptId) as Live;
  count(merging ? `end of a merge: ${how}` : `end: ${how}`);
  const gone = () => live.delete(attemptId);
  if (how === 'cancel') {
    const held = read(await engine.getResources()).held.get(attemptId);
    await engine.cancelTask(taskId);
    // Until its daemon has confirmed that, it holds what it holds.
    expect(read(await engine.getResources()).held.get(attemptId)).toEqual(held);
    if ((await engine.getTask(taskId)).status !== 'CANCELLED') await engine.confirmCancelled(attemptId);
    gone();
  } else if (how === 'lose') {
    await wait(20, attemptId);
    await wait(20, attemptId);
    await engine.sweepExpiredLeases();
    gone();
  } else if (merging) {
    await engine.requestMerge(attemptId);
    if (how === 'fail merge') await engine.failMerge(taskId, { attemptId, error: 'a conflict' });
    else await engine.completeMerge(taskId, { attemptId });
    gone();
  } else if (how === 'release') {
    await engine.releaseAttempt(attemptId);
    gone();
  } else {
    const status =
      how === 'fail' || how === 'fail merge' ? 'failed' : how === 'block' ? 'blocked' : 'completed';
    const settled = await engine.completeTask(taskId, {
      status,
      attemptId,
      ...(status === 'completed' ? {} : { error: 'no' }),
    });
    if (settled.status === 'MERGING') live.set(attemptId, { taskId, merging: true });
    else gone();
  }
}

/** Does one step; returns who asked for what. */
async function take(house: House, next: Step): Promise<{ attemptId: string; uses: string[] } | null> {
  const { engine, orchestrator, runId, live } = house;
  const pick = (n: number) => [...live.keys()][n % Math.max(live.size, 1)];
  switch (next.kind) {
    case 'create':
      await engine.createTask({
        title: `Wants ${next.uses.join(' ')}`,
        orchestratorId: orchestrator.id,
        runId,
        priority: next.priority,
        resources: next.uses,
        maxAttempts: 100,
      });
      return null;
    case 'claim': {
      const { claims } = await engine.claimNextTask(orchestrator.id, { max: next.max, leaseSeconds: 30 });
      for (const { task, attempt } of claims) {
        live.set(attempt.id, { taskId: task.id, merging: false });
        count('claims');
        // All that it declares, from the first moment.
        const held = read(await engine.getResources()).held.get(attempt.id) ?? [];
        expect(new Set(held.map(write))).toEqual(new Set(task.resources.map(write)));
      }
      return null;
    }
    case 'ask': {
      const attemptId = pick(next.who);
      if (attemptId === undefined || live.get(attemptId)?.merging) return null;
      count('asks');
      const code = await codeOf(engine.acquireResources(attemptId, { resources: next.uses }));
      if (code === 'RESOURCE_DEADLOCK') count('told at once');
      else expect(code).toBeNull();
      return { attemptId, uses: next.uses };
    }
    case 'give up': {
      const attemptId = pick(next.who);
      if (attemptId !== undefined) await engine.giveUpResources(attemptId);
      return null;
    }
    case 'end': {
      const attemptId = pick(next.who);
      if (attemptId !== undefined) await end(house, attemptId, next.how);
      return null;
    }
    case 'sweep':
      // Beyond the patience with which tasks wait to begin.
      for (let n = 0; n < 2; n += 1) {
        await wait(16);
        await engine.sweepExpiredLeases();
      }
      return null;
  }
}

const write = ({ resource, mode }: ResourceUse) => `${mode} ${resource}`;

/** Whoever gave way is in an event, with its circle; it had the lowest score, and its task declares what it asked for. */
async function checkGaveWay({ engine, live }: House, attemptId: string): Promise<void> {
  const { taskId } = live.get(attemptId) as Live;
  const held = read(await engine.getResources()).held.get(attemptId);
  expect(await codeOf(engine.acquireResources(attemptId, { resources: ['A'] }))).toBe('RESOURCE_DEADLOCK');
  // Until it is released, what it holds is nobody else's.
  expect(read(await engine.getResources()).held.get(attemptId)).toEqual(held);
  await engine.releaseAttempt(attemptId);
  const { events } = await engine.listTaskEvents(taskId, 500);
  const event = events.find((other) => other.type === 'resources.deadlock' && other.attemptId === attemptId);
  expect(event, `${attemptId} vanished without a word`).toBeDefined();
  const data = event?.data as unknown as {
    cycle: { attemptId: string; taskId: string; title: string; score: number; asksFor: ResourceUse[] }[];
    givesWay: string;
  };
  expect(data.givesWay).toBe(attemptId);
  const own = data.cycle.find((entry) => entry.attemptId === attemptId);
  expect(own?.score).toBe(Math.min(...data.cycle.map(({ score }) => score)));
  expect(data.cycle.every(({ title }) => title.startsWith('Wants'))).toBe(true);
  const task = await engine.getTask(taskId);
  const statuses: TaskStatus[] = ['TODO', 'IN_PROGRESS'];
  expect(statuses).toContain(task.status);
  const declared = task.resources.map(write);
  for (const use of own?.asksFor ?? []) expect(declared).toContain(write(use));
  expect(await codeOf(engine.acquireResources(attemptId, { resources: ['A'] }))).toBe('RESOURCE_DEADLOCK');
  count('gave way');
  if (data.cycle.length > 2) count('circles of three and more');
  live.delete(attemptId);
}

/** Holds the board against the one before, and against what must always hold. */
async function check(house: House, asked: { attemptId: string; uses: string[] } | null): Promise<void> {
  const { engine, live, before } = house;
  // Grants what an ending has made free; otherwise the next one that asks would.
  await engine.sweepExpiredLeases();
  for (const [attemptId, { taskId }] of [...live]) {
    const { attempts } = await engine.getTask(taskId);
    const status = attempts.find(({ id }) => id === attemptId)?.status;
    expect(status, `${attemptId} vanished without a word`).toMatch(/RUNNING|MERGING/);
    if (!(await engine.renewLease(attemptId)).gaveWay) continue;
    await checkGaveWay(house, attemptId);
    await engine.sweepExpiredLeases();
  }
  const now = read(await engine.getResources());
  expect(findBreaches(now, new Set(live.keys()))).toEqual([]);
  for (const [attemptId, held] of now.held) {
    const had = before?.held.get(attemptId);
    if (had === undefined) continue;
    // Nothing is lost while it lives, and what is new is all of what it asked for.
    const names = held.map(write);
    expect(names).toEqual(expect.arrayContaining(had.map(write)));
    const fresh = names.filter((name) => !had.map(write).includes(name));
    const wanted = asked?.attemptId === attemptId ? null : before?.asked.get(attemptId)?.map(write);
    if (fresh.length > 0 && wanted !== null && wanted !== undefined)
      expect(names).toEqual(expect.arrayContaining(wanted));
    if (fresh.length === 0 || before === null || !before.asked.has(attemptId)) continue;
    count('granted after a wait');
    for (const earlier of askersBefore(before, attemptId))
      if (JSON.stringify(now.asked.get(earlier)) === JSON.stringify(before.asked.get(earlier)))
        expect(waitsFor(before, earlier, attemptId), `${attemptId} passed ${earlier}`).toBe(true);
  }
  house.before = now;
}

test('whatever is done in whatever order: no two hold what clashes, none waits for nobody, and all is free in the end', async () => {
  const [seed] = fc.sample(fc.nat(), 1);
  const said = `the seed of these steps: ${seed}`;
  fixture.clock.now = new Date();
  const foreign = await fixture.engine.createWorkspace({ slug: 'foreign', name: 'Foreign' });
  houses.push(
    await openHouse(fixture.engine, false),
    // The same names in another workspace are others' names.
    await openHouse(fixture.engine.as({ workspaceId: foreign.id }), true),
  );
  const steps = fc.sample(step, { numRuns: STEPS, seed: seed as number });
  for (const [n, next] of steps.entries()) {
    const house = houses[n % 2] as House;
    try {
      await wait(1);
      await check(house, await take(house, next));
    } catch (error) {
      throw new Error(`Step ${n}, ${JSON.stringify(next)}; ${said}`, { cause: error });
    }
  }
  for (const house of houses) {
    for (const attemptId of [...house.live.keys()]) await end(house, attemptId, 'cancel');
    await house.engine.sweepExpiredLeases();
    const { holds, waits } = await house.engine.getResources();
    expect({ holds, waits: waits.filter(({ attemptId }) => attemptId !== null) }).toEqual({
      holds: [],
      waits: [],
    });
  }
  console.log(said, JSON.stringify(tally));
  // It must not be true because nothing happened.
  expect(tally.claims).toBeGreaterThan(10);
  expect(tally.asks).toBeGreaterThan(20);
  expect(tally['granted after a wait']).toBeGreaterThan(0);
  expect(tally['gave way']).toBeGreaterThan(0);
});

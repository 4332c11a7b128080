import type { Completion, HeldAgent } from '@neolith/contracts';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { WorkEngine } from '../src/index.js';
import { createFixture } from './support/engineFixture.js';
import { codeOf } from './support/runs.js';

const fixture = createFixture();
let made = 0;
let orchestratorId = '';

afterEach(() => {
  fixture.clock.now = null;
});

/** An agent of the test's own, so that tests don't share a breaker. */
function newAgent(): { agent: string; provider: string } {
  made += 1;
  return { agent: `agent-${made}`, provider: 'acme' };
}

async function claim(options: { max?: number; leaseSeconds?: number } = {}) {
  const max = options.max ?? 1;
  if (orchestratorId === '') orchestratorId = (await fixture.orchestrator({ maxConcurrentTasks: 1_000 })).id;
  await fixture.engine.createTasks(
    Array.from({ length: max }, (_, n) => ({
      title: `T${n}`,
      orchestratorId,
      priority: 'CRITICAL' as const,
    })),
  );
  const { claims } = await fixture.engine.claimNextTask(orchestratorId, {
    max,
    leaseSeconds: 30,
    ...options,
  });
  return claims.map(({ task, attempt }) => ({ taskId: task.id, attemptId: attempt.id }));
}

/** A claimed attempt ends like that. */
async function end(
  metrics: Record<string, unknown>,
  completion: Partial<Completion> = { status: 'failed', failureClass: 'provider', error: 'Overloaded' },
  engine: WorkEngine = fixture.engine,
) {
  const [owned] = await claim();
  const { taskId, attemptId } = owned as { taskId: string; attemptId: string };
  await engine.completeTask(taskId, { status: 'failed', ...completion, metrics, attemptId });
  return { taskId, attemptId };
}

const breakerOf = async ({ agent, provider }: { agent: string; provider: string }) =>
  (await fixture.engine.listBreakers()).find((one) => one.agent === agent && one.provider === provider);

async function openIt(named: { agent: string; provider: string }): Promise<void> {
  for (let fault = 0; fault < 5; fault += 1) await end(named);
  expect(await breakerOf(named)).toMatchObject({ status: 'open' });
}

async function permitFor(named: { agent: string; provider: string }, attemptId?: string) {
  const id = attemptId ?? (await claim())[0]?.attemptId ?? '';
  return { id, ...(await fixture.engine.requestPermit({ ...named, attemptId: id })) };
}

async function eventsOf(named: { agent: string }) {
  const { events } = await fixture.engine.readEvents({ limit: 5_000 });
  return events.filter(({ type, data }) => type.startsWith('breaker.') && data?.agent === named.agent);
}

describe('a breaker opens', () => {
  test('at the fifth fault in a row, with the reason and an event, and is half-open after its time', async () => {
    const named = newAgent();
    fixture.clock.now = new Date();
    for (let fault = 0; fault < 4; fault += 1) {
      await end(named);
      fixture.clock.advanceSeconds(1);
    }
    expect(await breakerOf(named)).toMatchObject({ status: 'closed', trips: 0 });
    await end(named);
    const opened = await breakerOf(named);
    expect(opened).toMatchObject({
      status: 'open',
      trips: 1,
      reason: '5 faults in a row, the last: Overloaded',
      openUntil: new Date(fixture.clock.now.getTime() + 60_000),
    });
    fixture.clock.advanceSeconds(59);
    await fixture.engine.sweepExpiredLeases();
    expect((await breakerOf(named))?.status).toBe('open');
    fixture.clock.advanceSeconds(1);
    await fixture.engine.sweepExpiredLeases();
    expect(await breakerOf(named)).toMatchObject({ status: 'half_open', openUntil: null });
    expect((await eventsOf(named)).map(({ type, from, to }) => [type, from, to])).toEqual([
      ['breaker.opened', 'closed', 'open'],
      ['breaker.half_opened', 'open', 'half_open'],
    ]);
    expect((await eventsOf(named))[0]?.data).toMatchObject({
      ...named,
      reason: expect.stringContaining('5 faults'),
    });
  });

  test('by the share of faults where good attempts lie between', async () => {
    const named = newAgent();
    for (let pair = 0; pair < 4; pair += 1) {
      await end(named, { status: 'completed' });
      await end(named);
    }
    await end(named, { status: 'completed' });
    expect((await breakerOf(named))?.status).toBe('closed');
    await end(named, { failureClass: 'agent', error: 'It crashed' });
    expect(await breakerOf(named)).toMatchObject({
      status: 'open',
      reason: '5 of 10 attempts failed, the last: It crashed',
    });
  });

  test('never by what is the fault of the task or of the ground it stands on', async () => {
    const named = newAgent();
    for (let failure = 0; failure < 12; failure += 1)
      await end(named, { failureClass: failure % 2 === 0 ? 'task' : 'infrastructure', error: 'Red' });
    expect(await breakerOf(named)).toBeUndefined();
    // And a task that failed at its work shows that the agent works: the row of faults is broken.
    for (let fault = 0; fault < 4; fault += 1) await end(named);
    await end(named, { failureClass: 'task', error: 'Red' });
    await end(named);
    expect((await breakerOf(named))?.status).toBe('closed');
  });

  test('never by one task that crashes whoever takes it, again and again; at what several do to it', async () => {
    const named = newAgent();
    const orchestrator = await fixture.orchestrator();
    const crash = async (attempts: number) => {
      const { id } = await fixture.task(orchestrator, { maxAttempts: attempts });
      for (let attempt = 1; attempt <= attempts; attempt += 1) {
        const started = await fixture.engine.executeTask(orchestrator.id, id);
        if (started.status !== 'in_progress') throw new Error(started.error);
        await fixture.engine.completeTask(id, {
          ...{ attemptId: started.attemptId, metrics: named, status: 'failed' },
          ...{ failureClass: 'agent', error: 'Exit code 137' },
        });
      }
      expect((await fixture.engine.getTask(id)).status).toBe('FAILED');
    };
    await crash(12);
    expect(await breakerOf(named)).toMatchObject({ status: 'closed' });
    for (let task = 0; task < 3; task += 1) await crash(2);
    expect(await breakerOf(named)).toMatchObject({ status: 'closed' });
    await crash(1);
    expect(await breakerOf(named)).toMatchObject({
      status: 'open',
      reason: '5 faults in a row, the last: Exit code 137',
    });
  });

  test('by what happened of late alone', async () => {
    const named = newAgent();
    fixture.clock.now = new Date();
    for (let fault = 0; fault < 4; fault += 1) await end(named);
    fixture.clock.advanceSeconds(600);
    await end(named);
    expect((await breakerOf(named))?.status).toBe('closed');
    for (let fault = 0; fault < 4; fault += 1) await end(named);
    expect(await breakerOf(named)).toMatchObject({
      status: 'open',
      reason: '5 faults in a row, the last: Overloaded',
    });
  });

  test('at once where the provider says when it takes requests again, until then', async () => {
    const named = newAgent();
    const resetAt = new Date(Date.now() + 3 * 3_600_000);
    await end({ ...named, resetAt: resetAt.toISOString() });
    expect(await breakerOf(named)).toMatchObject({
      status: 'open',
      openUntil: resetAt,
      reason: 'Overloaded',
    });
    const refused = await permitFor(named);
    expect(refused).toMatchObject({ granted: false, retryAt: resetAt });
  });

  test('for as long as the provider says, by the clock of the database, whatever the daemon takes for now', async () => {
    const named = newAgent();
    const { attemptId } = await end({ ...named, resetAt: 'PT5400.5S' });
    const { endedAt } = await fixture.engine.getAttempt(attemptId);
    expect(await breakerOf(named)).toMatchObject({
      status: 'open',
      openUntil: new Date((endedAt?.getTime() ?? 0) + 5_400_500),
    });
    // What is no time and no duration counts as not told.
    for (const resetAt of ['PT1H', 'PT-5S', '90', 90, '']) {
      const other = newAgent();
      await end({ ...other, resetAt });
      expect((await breakerOf(other))?.status).toBe('closed');
    }
  });

  test('for each agent and provider, and each workspace, by itself', async () => {
    const named = newAgent();
    await openIt(named);
    expect(await permitFor({ ...named, provider: 'other' })).toMatchObject({ granted: true, probe: false });
    const { engine } = await fixture.foreign();
    expect(await engine.listBreakers()).toEqual([]);
    expect(await engine.listHeldAgents()).toEqual([]);
  });
});

describe('a probe', () => {
  test('that has worked for minutes has shown that the agent works; the others need not wait for its end', async () => {
    const named = newAgent();
    fixture.clock.now = new Date();
    await openIt(named);
    const [early, other] = await claim({ max: 2, leaseSeconds: 7_200 });
    const [late] = await claim({ leaseSeconds: 7_200 });
    // Claimed long ago, while it was open and then half-open, and through only now: it has shown nothing yet.
    fixture.clock.advanceSeconds(1_300);
    expect(await permitFor(named, other?.attemptId)).toMatchObject({ granted: true, probe: true });
    await fixture.engine.releaseAttempt(other?.attemptId as string);
    fixture.clock.advanceSeconds(1_300);
    expect(await permitFor(named, early?.attemptId)).toMatchObject({ granted: true, probe: true });
    fixture.clock.advanceSeconds(1_199);
    expect(await permitFor(named, late?.attemptId)).toMatchObject({ granted: false, status: 'half_open' });
    fixture.clock.advanceSeconds(1);
    expect(await permitFor(named, late?.attemptId)).toMatchObject({ granted: true, probe: false });
    expect(await breakerOf(named)).toMatchObject({ status: 'closed' });
    // Its own end, whatever it is, is one like others.
    await fixture.engine.completeTask(early?.taskId as string, {
      ...{ attemptId: early?.attemptId, metrics: { ...named, probe: true }, status: 'failed' },
      ...{ failureClass: 'provider', error: 'Overloaded' },
    });
    expect(await breakerOf(named)).toMatchObject({ status: 'closed' });
  });
});

describe('while a breaker is half-open', () => {
  async function halfOpen() {
    const named = newAgent();
    fixture.clock.now = new Date();
    await openIt(named);
    fixture.clock.advanceSeconds(60);
    return named;
  }

  test('exactly one probe goes out, however many daemons ask at once', async () => {
    const named = await halfOpen();
    const engines = fixture.others(8);
    const owned = await claim({ max: 64, leaseSeconds: 600 });
    // Held until they all stand before it, so that nobody is through before the others come.
    const { pool } = fixture.test.database;
    const holder = await pool.connect();
    await holder.query('BEGIN');
    await holder.query('SELECT FROM breakers WHERE agent = $1 FOR NO KEY UPDATE', [named.agent]);
    const asked = Promise.all(
      owned.map(({ attemptId }, n) => (engines[n % 8] as WorkEngine).requestPermit({ ...named, attemptId })),
    );
    await vi.waitUntil(
      async () => {
        const { rows } = await pool.query<{ waiting: number }>(
          `SELECT count(*)::int AS waiting FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
        );
        return (rows[0]?.waiting ?? 0) >= 16;
      },
      { timeout: 15_000, interval: 20 },
    );
    await holder.query('COMMIT');
    holder.release();
    const permits = await asked;
    expect(permits.filter(({ granted, probe }) => granted && probe)).toHaveLength(1);
    expect(permits.filter(({ granted }) => granted)).toHaveLength(1);
    for (const { granted, retryAt } of permits)
      expect(granted ? null : (retryAt?.getTime() ?? 0) > (fixture.clock.now?.getTime() ?? 0)).not.toBe(
        false,
      );
    // Whose answer was lost asks again and still is the probe.
    const winner = owned[permits.findIndex(({ granted }) => granted)]?.attemptId ?? '';
    expect(await permitFor(named, winner)).toMatchObject({ granted: true, probe: true });
  });

  test('a probe that succeeds closes it, and one that fails at its task, too', async () => {
    for (const completion of [
      { status: 'completed' },
      { status: 'blocked', error: 'Which one?' },
      { failureClass: 'task', error: 'Red' },
    ] as const) {
      const named = await halfOpen();
      const { id } = await permitFor(named);
      const { taskId } = await fixture.engine.getAttempt(id);
      await fixture.engine.completeTask(taskId, {
        status: 'failed',
        ...completion,
        attemptId: id,
        metrics: { ...named, probe: true },
      });
      expect(await breakerOf(named)).toMatchObject({ status: 'closed', trips: 0, probeAttemptId: null });
    }
  });

  test('a probe that fails opens it for twice as long', async () => {
    const named = await halfOpen();
    const { id } = await permitFor(named);
    const { taskId } = await fixture.engine.getAttempt(id);
    await fixture.engine.completeTask(taskId, {
      status: 'failed',
      failureClass: 'provider',
      error: 'Still down',
      attemptId: id,
      metrics: named,
    });
    expect(await breakerOf(named)).toMatchObject({
      status: 'open',
      trips: 2,
      reason: 'The probe failed: Still down',
      openUntil: new Date((fixture.clock.now?.getTime() ?? 0) + 120_000),
    });
  });

  test('a probe whose attempt is lost, given back or cancelled frees the place', async () => {
    const named = await halfOpen();
    const probe = await permitFor(named);
    expect(probe.probe).toBe(true);
    expect((await permitFor(named)).granted).toBe(false);
    fixture.clock.advanceSeconds(31);
    expect((await fixture.engine.sweepExpiredLeases()).lost.map(({ attemptId }) => attemptId)).toContain(
      probe.id,
    );
    const second = await permitFor(named);
    expect(second.probe).toBe(true);
    await fixture.engine.releaseAttempt(second.id);
    expect((await permitFor(named)).probe).toBe(true);
    expect((await breakerOf(named))?.status).toBe('half_open');
  });

  test('a probe whose ground gave way shows nothing, and frees the place', async () => {
    const named = await halfOpen();
    const { id } = await permitFor(named);
    const { taskId } = await fixture.engine.getAttempt(id);
    await fixture.engine.completeTask(taskId, {
      status: 'failed',
      failureClass: 'infrastructure',
      error: 'The disk is full',
      attemptId: id,
      metrics: { ...named, probe: true },
    });
    expect(await breakerOf(named)).toMatchObject({ status: 'half_open', trips: 1, probeAttemptId: null });
    expect((await permitFor(named)).probe).toBe(true);
  });

  test('a probe that ended while nobody could be told is seen by the sweep and by the next one who asks', async () => {
    for (const look of ['sweep', 'ask'] as const) {
      const named = await halfOpen();
      const { id } = await permitFor(named);
      const { taskId } = await fixture.engine.getAttempt(id);
      // As a daemon that says nothing of probes, or a server that died right after.
      await fixture.engine.completeTask(taskId, { status: 'completed', attemptId: id, metrics: named });
      expect((await breakerOf(named))?.status).toBe('half_open');
      if (look === 'sweep') await fixture.engine.sweepExpiredLeases();
      else expect(await permitFor(named)).toMatchObject({ granted: true, probe: false });
      expect((await breakerOf(named))?.status).toBe('closed');
    }
  });

  test('who no longer owns a task gets no permit', async () => {
    const named = await halfOpen();
    const { attemptId } = await end({});
    expect(await codeOf(fixture.engine.requestPermit({ ...named, attemptId }))).toBe('LEASE_LOST');
  });
});

describe('people', () => {
  test('hold it open or closed, and release it; each is an event with who and why', async () => {
    const named = newAgent();
    const ada = fixture.engine.as({ actor: 'token:ada' });
    expect(await ada.forceBreaker({ ...named, to: 'open', reason: 'Too dear today' })).toMatchObject({
      status: 'open',
      forced: 'open',
      openUntil: null,
      reason: 'Too dear today',
    });
    const refused = await permitFor(named);
    expect(refused).toMatchObject({ granted: false, retryAt: expect.any(Date) });
    await ada.releaseBreaker({ ...named });
    expect(await breakerOf(named)).toMatchObject({ status: 'half_open', forced: null });
    await ada.forceBreaker({ ...named, to: 'closed' });
    for (let fault = 0; fault < 6; fault += 1) await end(named);
    expect(await breakerOf(named)).toMatchObject({ status: 'closed', forced: 'closed' });
    await ada.releaseBreaker(named);
    expect(await breakerOf(named)).toMatchObject({ status: 'closed', forced: null });
    const told = await eventsOf(named);
    expect(told.map(({ type, actor }) => [type, actor])).toEqual([
      ['breaker.forced', 'token:ada'],
      ['breaker.released', 'token:ada'],
      ['breaker.forced', 'token:ada'],
      ['breaker.released', 'token:ada'],
    ]);
    expect(told[0]?.data).toMatchObject({ reason: 'Too dear today', forced: true });
    expect(await codeOf(ada.releaseBreaker({ agent: 'nobody', provider: 'acme' }))).toBe('BREAKER_NOT_FOUND');
  });

  test('may hold it open for a time; then it is tried again by itself', async () => {
    const named = newAgent();
    fixture.clock.now = new Date();
    const until = new Date(fixture.clock.now.getTime() + 3_600_000);
    await fixture.engine.forceBreaker({ ...named, to: 'open', until });
    expect((await permitFor(named)).retryAt).toEqual(until);
    fixture.clock.advanceSeconds(3_600);
    expect((await permitFor(named)).probe).toBe(true);
  });
});

describe('a task that no agent may do', () => {
  test('is given back until a time at the cost of no budget, and nobody gets it before', async () => {
    fixture.clock.now = new Date();
    const [owned] = await claim();
    const { taskId, attemptId } = owned as { taskId: string; attemptId: string };
    const availableAt = new Date(fixture.clock.now.getTime() + 600_000);
    const released = await fixture.engine.releaseAttempt(attemptId, {
      availableAt,
      reason: 'No agent is to be had',
    });
    expect(released).toMatchObject({
      status: 'TODO',
      attemptStatus: 'CANCELLED',
      availableAt,
      replayed: false,
    });
    expect(await fixture.engine.releaseAttempt(attemptId, { availableAt })).toMatchObject({ replayed: true });
    expect(await fixture.engine.getTask(taskId)).toMatchObject({
      availableAt,
      failureCount: 0,
      lostCount: 0,
    });
    const taken = async () =>
      (await fixture.engine.claimNextTask(orchestratorId, { max: 100 })).claims.map(({ task }) => task.id);
    expect(await taken()).not.toContain(taskId);
    const { events } = await fixture.engine.listTaskEvents(taskId);
    expect(events.at(-1)).toMatchObject({
      type: 'task.released',
      data: { error: 'No agent is to be had', availableAt: expect.any(String) },
    });
    fixture.clock.advanceSeconds(600);
    expect(await taken()).toContain(taskId);
    expect((await fixture.engine.recalculateAllStatuses()).repaired).toEqual([]);
  });

  test('need not wait for its time once the breaker that held it is closed', async () => {
    const named = newAgent();
    const other = newAgent();
    await fixture.engine.forceBreaker({ ...named, to: 'open' });
    const owned = await claim({ max: 3 });
    const availableAt = new Date(Date.now() + 3_600_000);
    const holders = [[named], [other, named], [other]];
    for (const [n, { attemptId }] of owned.entries())
      await fixture.engine.releaseAttempt(attemptId, { availableAt, heldBy: holders[n] });
    await fixture.engine.forceBreaker({ ...named, to: 'closed' });
    const { claims } = await fixture.engine.claimNextTask(orchestratorId, { max: 100 });
    const ids = claims.map(({ task }) => task.id);
    expect(owned.map(({ taskId }) => ids.includes(taskId))).toEqual([true, true, false]);
    expect((await fixture.engine.recalculateAllStatuses()).repaired).toEqual([]);
  });

  test('nor where whoever closed it died before it could say so, or it was given back a moment too late', async () => {
    const named = newAgent();
    await fixture.engine.forceBreaker({ ...named, to: 'open' });
    await fixture.engine.forceBreaker({ ...named, to: 'closed' });
    const [owned] = await claim();
    const availableAt = new Date(Date.now() + 3_600_000);
    await fixture.engine.releaseAttempt(owned?.attemptId as string, { availableAt, heldBy: [named] });
    await fixture.engine.sweepExpiredLeases();
    const { claims } = await fixture.engine.claimNextTask(orchestratorId, { max: 100 });
    expect(claims.map(({ task }) => task.id)).toContain(owned?.taskId);
  });
});

test('claims are told which agents are held, and what this process changes is told at once', async () => {
  const named = newAgent();
  const held = async (): Promise<HeldAgent | undefined> =>
    (await fixture.engine.listHeldAgents()).find(({ agent }) => agent === named.agent);
  expect(await held()).toBeUndefined();
  await fixture.engine.forceBreaker({ ...named, to: 'open' });
  expect(await held()).toEqual({ ...named, openUntil: null });
  await fixture.engine.forceBreaker({ ...named, to: 'closed' });
  expect(await held()).toBeUndefined();
});

import type { Renewal, Task } from '@neolith/contracts';
import { describe, expect, test } from 'vitest';
import { createFixture } from '../support/engineFixture.js';
import { startedRun } from '../support/runs.js';

const fixture = createFixture();

/** As many running tasks, by the priorities given. */
async function running(...priorities: Task['priority'][]) {
  const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 100 });
  return Promise.all(
    priorities.map(async (priority, n) => {
      const task = await fixture.task(orchestrator, { title: `Task ${n}`, priority });
      const started = await fixture.engine.executeTask(orchestrator.id, task.id, { leaseSeconds: 60 });
      if (started.status !== 'in_progress') throw new Error(started.error);
      return { task, attempt: started.attemptId, orchestrator };
    }),
  );
}

async function eventsOf(task: { id: string }) {
  const { events } = await fixture.engine.listTaskEvents(task.id);
  return events.filter(({ type }) => type.startsWith('resources.'));
}

describe('an attempt that asks for more', () => {
  test('gets all of it or waits, and is told for whom', async () => {
    const [one, other] = await running('MEDIUM', 'MEDIUM');
    if (one === undefined || other === undefined) throw new Error('two');
    const { engine } = fixture;
    expect(await engine.acquireResources(one.attempt, { resources: ['path:src/a/'] })).toMatchObject({
      granted: true,
      waitsFor: [],
    });
    const waiting = await engine.acquireResources(other.attempt, {
      resources: ['port:3000', 'path:src/**/x.ts'],
    });
    expect(waiting).toEqual({
      attemptId: other.attempt,
      granted: false,
      waitingSince: expect.any(Date),
      waitsFor: [
        {
          resource: 'path:src/a/**',
          mode: 'exclusive',
          taskId: one.task.id,
          title: 'Task 0',
          attemptId: one.attempt,
          holds: true,
        },
      ],
    });
    const board = await engine.getResources();
    expect(board.holds.map(({ resource }) => resource)).toEqual(['path:src/a/**']);
    expect(board.waits).toEqual([
      expect.objectContaining({
        taskId: other.task.id,
        attemptId: other.attempt,
        waitsFor: waiting.waitsFor,
      }),
    ]);
    // Nothing of what it waits for is taken meanwhile, though the port is free.
    const patient = engine.acquireResources(other.attempt, {
      resources: ['path:src/**/x.ts', 'port:3000'],
      waitSeconds: 20,
    });
    await engine.completeTask(one.task.id, { status: 'completed', attemptId: one.attempt });
    expect(await patient).toMatchObject({ granted: true });
    expect((await engine.getResources()).holds.map(({ resource }) => resource)).toEqual([
      'path:src/**/x.ts',
      'port:3000',
    ]);
    await engine.completeTask(other.task.id, { status: 'completed', attemptId: other.attempt });
    expect(await engine.getResources()).toMatchObject({ holds: [], waits: [] });
    expect((await eventsOf(other.task)).map(({ type }) => type)).toEqual([
      'resources.waiting',
      'resources.granted',
    ]);
    await expect(engine.acquireResources(other.attempt, { resources: ['port:1'] })).rejects.toMatchObject({
      code: 'LEASE_LOST',
    });
  });

  test('is not passed by those who ask later, nor by tasks that have not begun', async () => {
    const [reader, writer, late] = await running('LOW', 'LOW', 'CRITICAL');
    if (reader === undefined || writer === undefined || late === undefined) throw new Error('three');
    const { engine } = fixture;
    await engine.acquireResources(reader.attempt, { resources: ['shared manual'] });
    await engine.acquireResources(writer.attempt, { resources: ['manual'] });
    expect(await engine.acquireResources(late.attempt, { resources: ['shared manual'] })).toMatchObject({
      granted: false,
      waitsFor: [{ attemptId: writer.attempt, holds: false }],
    });
    await fixture.task(late.orchestrator, {
      title: 'New',
      priority: 'CRITICAL',
      resources: ['shared manual'],
    });
    expect((await engine.claimNextTask(late.orchestrator.id)).claims).toEqual([]);
    await engine.completeTask(reader.task.id, { status: 'completed', attemptId: reader.attempt });
    expect(await engine.acquireResources(writer.attempt, { resources: ['manual'] })).toMatchObject({
      granted: true,
    });
    await engine.completeTask(writer.task.id, { status: 'completed', attemptId: writer.attempt });
    expect(await engine.acquireResources(late.attempt, { resources: ['shared manual'] })).toMatchObject({
      granted: true,
    });
    expect((await engine.claimNextTask(late.orchestrator.id)).claims).toHaveLength(1);
  });

  test('in a circle with others: the lowest score gives way, its task goes back and declares all of it', async () => {
    const [low, high, third] = await running('LOW', 'HIGH', 'MEDIUM');
    if (low === undefined || high === undefined || third === undefined) throw new Error('three');
    const { engine } = fixture;
    const all = [low, high, third];
    const heldByLow: unknown[] = [];
    const renewals: Renewal[] = [];
    const released: unknown[] = [];
    for (const [n, { attempt }] of all.entries())
      await engine.acquireResources(attempt, { resources: [`ring:${n}`] });
    const answers = await Promise.allSettled(
      all.map(({ attempt }, n) =>
        engine
          .acquireResources(attempt, {
            resources: [`ring:${(n + 1) % 3}`],
            waitSeconds: n === 1 ? 0 : 20,
          })
          .catch(async (error: unknown) => {
            // Until its work has ended, what it holds is nobody else's, and its lease grows no longer.
            const { holds } = await engine.getResources();
            heldByLow.push(...holds.filter(({ attemptId }) => attemptId === attempt));
            renewals.push(await engine.renewLease(attempt), await engine.renewLease(attempt));
            await expect(engine.giveUpResources(attempt)).rejects.toMatchObject({
              code: 'RESOURCE_DEADLOCK',
            });
            // Also what it holds is not granted once more.
            await expect(
              engine.acquireResources(attempt, { resources: [`ring:${n}`] }),
            ).rejects.toMatchObject({ code: 'RESOURCE_DEADLOCK' });
            released.push(await engine.releaseAttempt(attempt));
            throw error;
          }),
      ),
    );
    expect(heldByLow).toEqual([expect.objectContaining({ resource: 'ring:0', taskId: low.task.id })]);
    const leaseExpiresAt = renewals[0]?.leaseExpiresAt;
    expect(renewals).toEqual(
      [1, 2].map(() => expect.objectContaining({ owned: true, gaveWay: true, leaseExpiresAt })),
    );
    expect(released).toMatchObject([{ status: 'TODO' }]);
    expect(answers[0]).toMatchObject({
      status: 'rejected',
      reason: {
        code: 'RESOURCE_DEADLOCK',
        message: expect.stringMatching(/"Task 0".* → .*"Task 1"|"Task 1".* → .*"Task 0"/),
        details: { cycle: expect.arrayContaining([expect.objectContaining({ title: 'Task 2' })]) },
      },
    });
    // What the low one held is free: the third goes on; the high one waits for the third now.
    expect(answers[2]).toMatchObject({ status: 'fulfilled', value: { granted: true } });
    const deadlock = (await eventsOf(low.task)).find(({ type }) => type === 'resources.deadlock');
    expect(deadlock?.data).toMatchObject({
      givesWay: low.attempt,
      cycle: expect.arrayContaining(
        all.map(({ attempt }) => expect.objectContaining({ attemptId: attempt })),
      ),
    });
    // Who looks later finds it, too.
    const [broken] = (await engine.getResources()).deadlocks;
    expect(new Set(broken?.cycle.map(({ attemptId, gaveWay }) => [attemptId, gaveWay].join()))).toEqual(
      new Set(all.map(({ attempt }) => [attempt, attempt === low.attempt].join())),
    );
    expect(broken?.cycle.find(({ gaveWay }) => gaveWay)).toMatchObject({
      title: low.task.title,
      askedFor: [{ resource: 'ring:1', mode: 'exclusive' }],
    });
    const task = await engine.getTask(low.task.id);
    expect(task).toMatchObject({ status: 'TODO', failureCount: 0, lostCount: 0 });
    expect(task.resources).toEqual([{ resource: 'ring:1', mode: 'exclusive' }]);
    expect(task.attempts[0]).toMatchObject({ status: 'CANCELLED', error: expect.stringMatching(/gave way/) });
    await expect(engine.acquireResources(low.attempt, { resources: ['ring:1'] })).rejects.toMatchObject({
      code: 'RESOURCE_DEADLOCK',
    });
  });

  test('gives up: those behind it move up, it keeps what it holds, and its own other call lets go, too', async () => {
    const [holder, patient, behind] = await running('MEDIUM', 'MEDIUM', 'MEDIUM');
    if (holder === undefined || patient === undefined || behind === undefined) throw new Error('three');
    const { engine } = fixture;
    await engine.acquireResources(holder.attempt, { resources: ['shared stage'] });
    await engine.acquireResources(patient.attempt, { resources: ['props'] });
    const waiting = engine.acquireResources(patient.attempt, { resources: ['stage'], waitSeconds: 20 });
    await expect
      .poll(async () => (await engine.getResources()).waits.map(({ attemptId }) => attemptId))
      .toContain(patient.attempt);
    const next = engine.acquireResources(behind.attempt, { resources: ['shared stage'], waitSeconds: 20 });
    await expect
      .poll(async () => (await engine.getResources()).waits.map(({ attemptId }) => attemptId))
      .toContain(behind.attempt);
    const props = { resource: 'props', mode: 'exclusive' };
    expect(await engine.giveUpResources(patient.attempt)).toEqual({
      attemptId: patient.attempt,
      gaveUp: [{ resource: 'stage', mode: 'exclusive' }],
      holds: [props],
    });
    expect(await next).toMatchObject({ granted: true });
    expect(await waiting).toEqual({
      attemptId: patient.attempt,
      granted: false,
      waitingSince: null,
      waitsFor: [],
    });
    expect(await engine.giveUpResources(patient.attempt)).toMatchObject({ gaveUp: [], holds: [props] });
    const attempts = (await engine.getResources()).waits.map(({ attemptId }) => attemptId);
    expect(attempts).not.toContain(patient.attempt);
    expect((await eventsOf(patient.task)).map(({ type }) => type)).toEqual([
      'resources.granted',
      'resources.waiting',
      'resources.given_up',
    ]);
    await engine.completeTask(patient.task.id, { status: 'completed', attemptId: patient.attempt });
    await expect(engine.giveUpResources(patient.attempt)).rejects.toMatchObject({ code: 'LEASE_LOST' });
  });

  test('and dies: what it held and its place in the line go with the lease', async () => {
    fixture.clock.now = new Date();
    const [dead, heir] = await running('MEDIUM', 'MEDIUM');
    if (dead === undefined || heir === undefined) throw new Error('two');
    const { engine } = fixture;
    await engine.acquireResources(dead.attempt, { resources: ['fate'] });
    await engine.acquireResources(heir.attempt, { resources: ['fate'] });
    fixture.clock.advanceSeconds(45);
    await engine.renewLease(heir.attempt);
    fixture.clock.advanceSeconds(30);
    await engine.sweepExpiredLeases();
    expect((await engine.getResources()).holds).toEqual([
      expect.objectContaining({ attemptId: heir.attempt, resource: 'fate' }),
    ]);
    fixture.clock.now = null;
  });
});

test('a step in process that gives way is given back, at nobody’s expense, and the other one gets done', async () => {
  const { engine } = fixture;
  const { run } = await startedRun(fixture, [
    { title: 'High', priority: 'HIGH' },
    { title: 'Low', priority: 'LOW' },
  ]);
  const has = { High: gate(), Low: gate() };
  const step = (own: 'High' | 'Low', other: 'High' | 'Low') =>
    engine.executeStep(run.id, async ({ task, attemptId }) => {
      expect(task.title).toBe(own);
      await engine.acquireResources(attemptId, { resources: [`step:${own}`] });
      has[own].open();
      await has[other].opened;
      const { granted } = await engine.acquireResources(attemptId, {
        resources: [`step:${other}`],
        waitSeconds: 20,
      });
      return granted;
    });
  const high = step('High', 'Low');
  await has.High.opened;
  const [done, gaveWay] = await Promise.all([high, step('Low', 'High')]);
  expect(done?.settlement.status).toBe('DONE');
  expect((await engine.getTask(done?.task.id as string)).result?.output).toBe(true);
  expect(gaveWay?.settlement).toMatchObject({ status: 'TODO', attemptStatus: 'CANCELLED' });
  expect(await engine.getTask(gaveWay?.task.id as string)).toMatchObject({ failureCount: 0, lostCount: 0 });
});

function gate(): { open: () => void; opened: Promise<void> } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describe('a sweep', () => {
  test('takes away what nobody holds any more, and says so', async () => {
    const [one] = await running('MEDIUM');
    if (one === undefined) throw new Error('one');
    const { engine } = fixture;
    await engine.acquireResources(one.attempt, { resources: ['orphan'] });
    await fixture.test.database.pool.query(
      `UPDATE leases SET holds = false WHERE attempt_id IN (SELECT attempt_id FROM resource_holds WHERE use = 'exclusive orphan')`,
    );
    await engine.completeTask(one.task.id, { status: 'completed', attemptId: one.attempt });
    expect((await engine.sweepExpiredLeases()).orphanLocks).toBe(1);
    expect((await engine.getResources()).holds.filter(({ resource }) => resource === 'orphan')).toEqual([]);
    expect((await eventsOf(one.task)).map(({ type }) => type)).toContain('resources.repaired');
  });

  test('takes away what nobody waits for any more, and says so', async () => {
    const [holder, gone] = await running('MEDIUM', 'MEDIUM');
    if (holder === undefined || gone === undefined) throw new Error('two');
    const { engine } = fixture;
    const { pool } = fixture.test.database;
    await engine.acquireResources(holder.attempt, { resources: ['kept'] });
    await engine.acquireResources(gone.attempt, { resources: ['kept'] });
    const uuid = gone.attempt.slice('att_'.length);
    const { rows } = await pool.query('SELECT * FROM resource_waits WHERE attempt_id = $1', [uuid]);
    await engine.completeTask(gone.task.id, { status: 'completed', attemptId: gone.attempt });
    await pool.query(
      'INSERT INTO resource_waits SELECT * FROM jsonb_populate_record(NULL::resource_waits, $1)',
      [JSON.stringify(rows[0])],
    );
    const report = await engine.sweepExpiredLeases();
    expect([report.orphanWaits, report.orphanLocks, report.faults]).toEqual([1, 0, []]);
    expect((await engine.getResources()).waits).toEqual([]);
    const told = (await eventsOf(gone.task)).filter(({ type }) => type === 'resources.repaired');
    expect(told.map(({ data }) => data)).toEqual([
      {
        problem: 'was waited for by an attempt that had ended',
        resources: ['exclusive kept'],
        attemptId: gone.attempt,
      },
    ]);
    expect((await engine.sweepExpiredLeases()).orphanWaits).toBe(0);
    await engine.completeTask(holder.task.id, { status: 'completed', attemptId: holder.attempt });
  });

  test('holds shared claims back for an exclusive task that has waited long, and lets it go when nobody works for it', async () => {
    fixture.clock.now = new Date();
    const { engine } = fixture;
    const writers = await fixture.orchestrator({ maxConcurrentTasks: 5 });
    const readers = await fixture.orchestrator({ maxConcurrentTasks: 100 });
    const busy = await fixture.task(writers, { title: 'Busy' });
    await engine.executeTask(writers.id, busy.id);
    await fixture.task(writers, { title: 'Write', priority: 'LOW', resources: ['book'] });
    for (let n = 0; n < 10; n += 1)
      await fixture.task(readers, { title: `Read ${n}`, priority: 'CRITICAL', resources: ['shared book'] });
    const read = async () => (await engine.claimNextTask(readers.id, { leaseSeconds: null })).claims[0];
    const first = await read();
    expect(first).toBeDefined();
    await engine.sweepExpiredLeases();
    // Waits for less than half a minute: nobody is held back.
    const second = await read();
    expect(second).toBeDefined();
    fixture.clock.advanceSeconds(31);
    await engine.sweepExpiredLeases();
    expect(await read()).toBeUndefined();
    expect((await engine.explainSelection(readers.id)).selected).toBeNull();
    const [writeWait] = (await engine.getResources()).waits;
    expect(writeWait).toMatchObject({
      title: 'Write',
      attemptId: null,
      waitsFor: [{ holds: true }, { holds: true }],
    });
    for (const claim of [first, second])
      await engine.completeTask(claim?.task.id as string, {
        status: 'completed',
        attemptId: claim?.attempt.id,
      });
    expect(await read()).toBeUndefined();
    await engine.sweepExpiredLeases();
    expect(await read()).toBeUndefined();
    expect((await engine.claimNextTask(writers.id)).claims.map(({ task }) => task.title)).toEqual(['Write']);
    fixture.clock.now = null;
  });
});

test('a task says what it waits for', async () => {
  const { engine } = fixture;
  const orchestrator = await fixture.orchestrator();
  const holder = await fixture.task(orchestrator, {
    title: 'Holder',
    priority: 'HIGH',
    resources: ['path:src/**'],
  });
  const waiter = await fixture.task(orchestrator, { title: 'Waiter', resources: ['path:src/x.ts'] });
  await engine.claimNextTask(orchestrator.id);
  const { asked } = await engine.explainSelection(orchestrator.id, waiter.id);
  expect(asked?.whyNot).toEqual([
    {
      code: 'WAITS_FOR_RESOURCES',
      message: `It waits for resource path:src/** held by task ${holder.id} "Holder"`,
    },
  ]);
  expect(await engine.executeTask(orchestrator.id, waiter.id)).toMatchObject({
    status: 'blocked',
    error: expect.stringContaining(`waits for resource path:src/** held by task ${holder.id}`),
  });
  await engine.updateTask(waiter.id, { resources: ['path:docs/**'] });
  expect((await engine.claimNextTask(orchestrator.id)).claims.map(({ task }) => task.title)).toEqual([
    'Waiter',
  ]);
  expect((await engine.recalculateAllStatuses()).repaired).toEqual([]);
});

import { afterEach, describe, expect, it } from 'vitest';
import { sequenceOf } from '../src/index.js';
import { createFixture } from './support/engineFixture.js';
import { readHistory, until } from './support/history.js';

const fixture = createFixture();
const DAY_SECONDS = 86_400;

afterEach(async () => {
  await fixture.engine.updateWorkspace({ eventRetentionDays: 90 });
  // Later than any walk before: the next one is due.
  fixture.clock.advanceSeconds(DAY_SECONDS);
});

async function doOne(title: string): Promise<string> {
  const orchestrator = await fixture.orchestrator();
  const task = await fixture.task(orchestrator, { title });
  const { claims } = await fixture.engine.claimNextTask(orchestrator.id, { leaseSeconds: null });
  await fixture.engine.completeTask(task.id, {
    status: 'completed',
    attemptId: claims[0]?.attempt.id,
  });
  return task.id;
}

async function eventTypes(taskId: string): Promise<string[]> {
  return (await fixture.engine.listTaskEvents(taskId)).events.map(({ type }) => type);
}

const WHOLE = ['task.created', 'task.claimed', 'task.completed'];

describe('Events', () => {
  it('are kept for ninety days unless the workspace says otherwise', async () => {
    fixture.clock.advanceSeconds(0);
    expect((await fixture.engine.getWorkspace()).eventRetentionDays).toBe(90);
    const id = await doOne('Old');
    fixture.clock.advanceSeconds(90 * DAY_SECONDS - 60);
    expect((await fixture.engine.sweepExpiredLeases()).trimmed).toBe(0);
    expect(await eventTypes(id)).toEqual(WHOLE);
    fixture.clock.advanceSeconds(3_660);
    // One more: that the orchestrator was made.
    expect((await fixture.engine.sweepExpiredLeases()).trimmed).toBe(4);
    expect(await eventTypes(id)).toEqual([]);
    // The task itself and what became of it stay.
    expect(await fixture.engine.getTask(id)).toMatchObject({ status: 'DONE', attemptCount: 1 });
  });

  it('older than a workspace keeps them are gone, the younger ones stay', async () => {
    await fixture.engine.updateWorkspace({ eventRetentionDays: 7 });
    const old = await doOne('Old');
    fixture.clock.advanceSeconds(6 * DAY_SECONDS);
    const young = await doOne('Young');
    fixture.clock.advanceSeconds(2 * DAY_SECONDS);
    await fixture.engine.sweepExpiredLeases();
    expect(await eventTypes(old)).toEqual([]);
    expect(await eventTypes(young)).toEqual(WHOLE);
  });

  it('are kept for ever where the workspace says so', async () => {
    await fixture.engine.updateWorkspace({ eventRetentionDays: null });
    const id = await doOne('For ever');
    fixture.clock.advanceSeconds(10_000 * DAY_SECONDS);
    expect((await fixture.engine.sweepExpiredLeases()).trimmed).toBe(0);
    expect(await eventTypes(id)).toEqual(WHOLE);
  });

  it('of another workspace are kept as long as that one says', async () => {
    const foreign = await fixture.foreign();
    await foreign.engine.updateWorkspace({ eventRetentionDays: null });
    await fixture.engine.updateWorkspace({ eventRetentionDays: 1 });
    const id = await doOne('Ours');
    fixture.clock.advanceSeconds(2 * DAY_SECONDS);
    const [unscoped] = fixture.others(1);
    await unscoped?.sweepExpiredLeases();
    expect(await eventTypes(id)).toEqual([]);
    expect((await foreign.engine.listTaskEvents(foreign.task.id)).events).toHaveLength(1);
  });

  it('of a run stay whole until the run has been over for as long, and then go whole', async () => {
    const { engine, clock } = fixture;
    await engine.updateWorkspace({ eventRetentionDays: 7 });
    const orchestrator = await fixture.orchestrator();
    const run = await engine.createRun({
      name: 'Long',
      orchestratorId: orchestrator.id,
      tasks: [{ title: 'The only one' }],
    });
    await engine.startRun(run.id);
    clock.advanceSeconds(30 * DAY_SECONDS);
    await engine.sweepExpiredLeases();
    const before = (await engine.getRunHistory(run.id)).events;
    expect(before.map(({ type }) => type)).toEqual(['run.created', 'task.created', 'run.started']);

    const { claims } = await engine.claimNextTask(orchestrator.id, { leaseSeconds: null });
    await engine.completeTask(claims[0]?.task.id as string, {
      status: 'completed',
      attemptId: claims[0]?.attempt.id,
    });
    clock.advanceSeconds(6 * DAY_SECONDS);
    await engine.sweepExpiredLeases();
    expect((await engine.getRunHistory(run.id)).events).toHaveLength(6);
    clock.advanceSeconds(2 * DAY_SECONDS);
    await engine.sweepExpiredLeases();
    expect((await engine.getRunHistory(run.id)).events).toEqual([]);
    expect((await engine.getRun(run.id)).status).toBe('SUCCEEDED');
  });

  it('of a run that was deleted go when they are old', async () => {
    const { engine, clock, test } = fixture;
    await engine.updateWorkspace({ eventRetentionDays: 7 });
    const run = await engine.createRun({ name: 'Deleted', tasks: [{ title: 'T' }] });
    await engine.deleteRun(run.id);
    const left = async () =>
      (await test.database.pool.query(`SELECT 1 FROM events WHERE run_id = $1`, [run.id.slice(4)])).rowCount;
    expect(await left()).toBeGreaterThan(0);
    clock.advanceSeconds(8 * DAY_SECONDS);
    await engine.sweepExpiredLeases();
    expect(await left()).toBe(0);
  });
});

describe('A reader of events', () => {
  it('whose cursor is from before what was removed is told to begin anew; a later cursor reads on', async () => {
    const { engine, clock } = fixture;
    await engine.updateWorkspace({ eventRetentionDays: 7 });
    const before = await engine.currentCursor();
    await doOne('Read by nobody');
    const between = await engine.currentCursor();
    clock.advanceSeconds(8 * DAY_SECONDS);
    const young = await doOne('Young');
    expect((await engine.readEvents({ cursor: before })).events).toHaveLength(8);
    await engine.sweepExpiredLeases();

    await expect(engine.readEvents({ cursor: before })).rejects.toMatchObject({
      code: 'INVALID_CURSOR',
      details: { trimmed: true },
    });
    expect((await engine.readEvents({ cursor: between })).events.map(({ taskId }) => taskId)).toEqual([
      null,
      young,
      young,
      young,
    ]);
    const oldest = (await engine.readEvents({ limit: 5_000 })).events[0];
    expect(sequenceOf(oldest as { cursor: string })).toBeGreaterThan(0n);
  });

  it('of another workspace is not told of what was removed here', async () => {
    const foreign = await fixture.foreign();
    await fixture.engine.updateWorkspace({ eventRetentionDays: 7 });
    const cursor = await foreign.engine.currentCursor();
    await doOne('Ours');
    fixture.clock.advanceSeconds(8 * DAY_SECONDS);
    await fixture.engine.sweepExpiredLeases();
    expect((await foreign.engine.readEvents({ cursor })).events).toEqual([]);
    const [unscoped] = fixture.others(1);
    await expect(unscoped?.readEvents({ cursor })).rejects.toMatchObject({ code: 'INVALID_CURSOR' });
  });
});

describe('A sweep', () => {
  it('removes many events piece by piece, and two at once do no harm', async () => {
    const { engine, clock, test } = fixture;
    await engine.updateWorkspace({ eventRetentionDays: 1 });
    clock.advanceSeconds(3 * DAY_SECONDS);
    await test.database.pool.query(
      `INSERT INTO events (workspace_id, at, type, actor)
       SELECT id, $1::timestamptz - interval '30 days', 'task.updated', 'test' FROM workspaces, generate_series(1, 9000) WHERE slug = 'test'`,
      [clock.now],
    );
    const young = await doOne('Young');
    const left = async () => (await readHistory(engine)).filter(({ actor }) => actor === 'test').length;
    expect(await left()).toBe(9_000);
    const engines = [engine, ...fixture.others(2)];
    let trimmed = 0;
    await until(async () => {
      const reports = await Promise.all(engines.map((each) => each.sweepExpiredLeases()));
      trimmed += reports.reduce((sum, report) => sum + report.trimmed, 0);
      return (await left()) === 0;
    });
    expect(trimmed).toBeGreaterThanOrEqual(9_000);
    expect(await eventTypes(young)).toEqual(WHOLE);
  });

  it('forgets request ids after a day', async () => {
    const { engine, clock, test } = fixture;
    const orchestrator = await fixture.orchestrator();
    await fixture.task(orchestrator);
    await engine.claimNextTask(orchestrator.id, { requestId: 'once', leaseSeconds: null });
    const known = async () =>
      (await test.database.pool.query(`SELECT 1 FROM claim_requests WHERE request_id = 'once'`)).rowCount;
    clock.advanceSeconds(DAY_SECONDS - 60);
    await engine.sweepExpiredLeases();
    expect(await known()).toBe(1);
    clock.advanceSeconds(120);
    await engine.sweepExpiredLeases();
    expect(await known()).toBe(0);
  });
});

it.each([0, 1.5, 36_501, -1])('Keeping events for %s days is refused', async (eventRetentionDays) => {
  await expect(fixture.engine.updateWorkspace({ eventRetentionDays })).rejects.toMatchObject({
    code: 'INVALID_INPUT',
  });
});

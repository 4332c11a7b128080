import { expect, onTestFinished, test } from 'vitest';
import { createFixture } from './support/engineFixture.js';

const fixture = createFixture();

/** From now on whoever changes this row is refused: what a row that breaks a rule, or a bug, looks like. */
async function poison(
  table: string,
  column: string,
  id: string,
  when = 'UPDATE',
  code = 'P0001',
): Promise<() => Promise<unknown>> {
  const { pool } = fixture.test.database;
  const uuid = id.replace(/^[a-z]+_/, '');
  const name = `poison_${uuid.replaceAll('-', '')}`;
  await pool.query(
    `CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'poisoned row' USING ERRCODE = '${code}'; END $$`,
  );
  await pool.query(
    `CREATE TRIGGER ${name} BEFORE ${when} ON ${table} FOR EACH ROW
     WHEN (NEW.${column} = '${uuid}') EXECUTE FUNCTION ${name}()`,
  );
  const mend = () => pool.query(`DROP FUNCTION IF EXISTS ${name}() CASCADE`);
  onTestFinished(async () => {
    await mend();
  });
  return mend;
}

test('one task that can not be taken back holds up none of the others, and is named; mended it comes back', async () => {
  const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 50 });
  for (let n = 0; n < 40; n += 1) await fixture.task(orchestrator);
  const { claims } = await fixture.engine.claimNextTask(orchestrator.id, { max: 40, leaseSeconds: 5 });
  const bad = claims[17]?.task.id as string;
  const mend = await poison('tasks', 'id', bad);
  fixture.clock.now = new Date(Date.now() + 60_000);
  const report = await fixture.engine.sweepExpiredLeases();
  expect(report.lost).toHaveLength(39);
  expect(report.lost.some(({ taskId }) => taskId === bad)).toBe(false);
  expect(report.faults).toMatchObject([{ step: 'leases', id: bad, error: { message: 'poisoned row' } }]);
  // Each repair is told once, in the task's own history.
  for (const { taskId } of report.lost.slice(0, 3)) {
    const { events } = await fixture.engine.listTaskEvents(taskId);
    expect(events.filter(({ type }) => type === 'task.lease_lost')).toHaveLength(1);
  }
  // Again: only the bad one is tried, and found bad.
  expect(await fixture.engine.sweepExpiredLeases()).toMatchObject({ lost: [], faults: [{ id: bad }] });

  await mend();
  const mended = await fixture.engine.sweepExpiredLeases();
  expect(mended.lost.map(({ taskId }) => taskId)).toEqual([bad]);
  expect(mended.faults).toEqual([]);
  fixture.clock.now = null;
});

test('a delayed task that can not be promoted holds up neither those of its orchestrator nor any claim, and is named', async () => {
  const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 50 });
  const at = new Date(Date.now() + 10_000);
  const tasks = [];
  for (let n = 0; n < 9; n += 1) tasks.push(await fixture.task(orchestrator, { availableAt: at }));
  const bad = tasks[4]?.id as string;
  const mend = await poison('ready_tasks', 'task_id', bad, 'INSERT');
  fixture.clock.now = new Date(Date.now() + 60_000);
  const report = await fixture.engine.sweepExpiredLeases();
  expect(report).toMatchObject({ promoted: 8, faults: [{ step: 'delayed', id: bad }] });
  const { claims } = await fixture.engine.claimNextTask(orchestrator.id, { max: 20 });
  expect(claims.map(({ task }) => task.id)).toEqual(tasks.map(({ id }) => id).filter((id) => id !== bad));
  expect((await fixture.engine.sweepExpiredLeases()).faults).toEqual([]);
  // It is tried again, and mended it comes.
  fixture.clock.advanceSeconds(3_600);
  expect((await fixture.engine.sweepExpiredLeases()).faults).toMatchObject([{ step: 'delayed', id: bad }]);
  await mend();
  fixture.clock.advanceSeconds(3_600);
  expect(await fixture.engine.sweepExpiredLeases()).toMatchObject({ promoted: 1, faults: [] });
  fixture.clock.now = null;
});

test('a delayed task that only met a lock is promoted by the next sweep', async () => {
  const orchestrator = await fixture.orchestrator();
  const task = await fixture.task(orchestrator, { availableAt: new Date(Date.now() + 10_000) });
  // What PostgreSQL says of a statement that ran out of its time, as one does that waits for others.
  const mend = await poison('ready_tasks', 'task_id', task.id, 'INSERT', '57014');
  fixture.clock.now = new Date(Date.now() + 60_000);
  expect(await fixture.engine.sweepExpiredLeases()).toMatchObject({ promoted: 0, faults: [{ id: task.id }] });
  await mend();
  expect(await fixture.engine.sweepExpiredLeases()).toMatchObject({ promoted: 1, faults: [] });
  fixture.clock.now = null;
});

test('an orchestrator whose delayed tasks can not be promoted holds up no other', async () => {
  const [sound, broken, later] = [
    await fixture.orchestrator(),
    await fixture.orchestrator(),
    await fixture.orchestrator(),
  ];
  const at = new Date(Date.now() + 10_000);
  const tasks = [];
  for (const one of [sound, broken, later]) tasks.push(await fixture.task(one, { availableAt: at }));
  const mend = await poison('ready_tasks', 'task_id', tasks[1]?.id as string, 'INSERT');
  fixture.clock.now = new Date(Date.now() + 60_000);
  const report = await fixture.engine.sweepExpiredLeases();
  expect(report.promoted).toBe(2);
  expect(report.faults).toMatchObject([{ step: 'delayed', id: tasks[1]?.id }]);
  expect((await fixture.engine.selectNextTask(sound.id))?.id).toBe(tasks[0]?.id);
  expect((await fixture.engine.selectNextTask(later.id))?.id).toBe(tasks[2]?.id);
  expect(await fixture.engine.selectNextTask(broken.id)).toBeNull();
  // Mended, it need not wait until it is tried again: the repair brings it back.
  await mend();
  expect((await fixture.engine.recalculateAllStatuses()).repaired).toMatchObject([{ taskId: tasks[1]?.id }]);
  expect((await fixture.engine.selectNextTask(broken.id))?.id).toBe(tasks[1]?.id);
  fixture.clock.now = null;
});

test('a run that can not be reviewed holds up no other', async () => {
  const orchestrator = await fixture.orchestrator();
  const runs = [];
  for (const name of ['A', 'B', 'C']) {
    const run = await fixture.engine.createRun({
      name,
      orchestratorId: orchestrator.id,
      config: { timeoutSeconds: 60 },
      tasks: [{ title: 'One' }],
    });
    await fixture.engine.startRun(run.id);
    runs.push(run.id);
  }
  await poison('runs', 'id', runs[1] as string);
  fixture.clock.now = new Date(Date.now() + 600_000);
  const report = await fixture.engine.sweepExpiredLeases();
  expect(report.faults).toMatchObject([{ step: 'runs', id: runs[1] }]);
  expect([...report.runs].sort()).toEqual([runs[0], runs[2]].sort());
  fixture.clock.now = null;
});

test('what drifted is mended and told as an event, also beside a row that can not be mended', async () => {
  const { pool } = fixture.test.database;
  const orchestrator = await fixture.orchestrator();
  const before = await fixture.task(orchestrator);
  const waiting = [];
  for (let n = 0; n < 3; n += 1) waiting.push(await fixture.task(orchestrator, { dependsOn: [before.id] }));
  await pool.query('UPDATE blocked_tasks SET unmet = 7 WHERE task_id = ANY ($1::uuid[])', [
    waiting.map(({ id }) => id.slice('task_'.length)),
  ]);
  const bad = waiting[1]?.id as string;
  await poison('blocked_tasks', 'task_id', bad, 'INSERT OR UPDATE');
  const report = await fixture.engine.recalculateAllStatuses();
  expect(report.faults).toMatchObject([{ step: 'tasks', id: bad }]);
  expect(report.repaired.map(({ taskId }) => taskId).sort()).toEqual([waiting[0]?.id, waiting[2]?.id].sort());
  const { events } = await fixture.engine.listTaskEvents(waiting[0]?.id as string);
  expect(events.some(({ type }) => type === 'task.repaired')).toBe(true);
});

test('looked at bit by bit, what drifted is found wherever it stands, and each bit is short', async () => {
  const { pool } = fixture.test.database;
  const orchestrator = await fixture.orchestrator();
  // What the tests before have left.
  await fixture.engine.recalculateAllStatuses();
  const tasks: { id: string }[] = [];
  for (let n = 0; n < 12; n += 1) tasks.push(await fixture.task(orchestrator, { tags: ['a', 'b'] }));
  const run = await fixture.engine.createRun({
    name: 'Counted',
    orchestratorId: orchestrator.id,
    tasks: [{ title: 'One' }],
  });
  await fixture.engine.startRun(run.id);
  const uuid = (n: number) => (tasks[n]?.id ?? '').slice('task_'.length);
  // One at the wrong priority, one with a tag too few, one that stands nowhere, and a run that can't count.
  await pool.query(`UPDATE ready_tasks SET priority = 'LOW' WHERE task_id = $1`, [uuid(2)]);
  await pool.query(`DELETE FROM ready_task_tags WHERE task_id = $1 AND tag = 'a'`, [uuid(7)]);
  await pool.query(`DELETE FROM ready_task_tags WHERE task_id = $1`, [uuid(11)]);
  await pool.query('DELETE FROM ready_tasks WHERE task_id = $1', [uuid(11)]);
  await pool.query('UPDATE runs SET todo = 9 WHERE id = $1', [run.id.slice('run_'.length)]);

  const found = { repaired: [] as string[], runs: [] as string[], checked: 0, rounds: 0 };
  let after: string | null = null;
  do {
    const report = await fixture.engine.reconcile({ after, limit: 5 });
    expect(report.checked).toBeLessThanOrEqual(5);
    expect(report.faults).toEqual([]);
    found.repaired.push(...report.repaired.map(({ taskId }) => taskId));
    found.runs.push(...report.runs.map(({ runId }) => runId));
    found.checked += report.checked;
    found.rounds += 1;
    after = report.next;
  } while (after !== null);
  expect(found.repaired.sort()).toEqual([2, 7, 11].map((n) => tasks[n]?.id).sort());
  expect(found.runs).toEqual([run.id]);
  expect(found.rounds).toBe(Math.floor(found.checked / 5) + 1);
  expect((await fixture.engine.recalculateAllStatuses()).repaired).toEqual([]);
  const { events } = await fixture.engine.listTaskEvents(tasks[11]?.id as string);
  expect(events.filter(({ type }) => type === 'task.repaired')).toHaveLength(1);
});

test('one daemon that can not be noted as lost holds up none of the others', async () => {
  const { engine, clock } = fixture;
  const orchestrator = await fixture.orchestrator();
  const daemons = [];
  for (const name of ['a', 'b', 'c'])
    daemons.push(
      await engine.registerDaemon({
        name,
        host: 'h',
        version: '1',
        slots: 1,
        orchestratorIds: [orchestrator.id],
      }),
    );
  const [a, b, c] = daemons.map(({ id }) => id);
  const mend = await poison('daemons', 'id', b as string);
  clock.now = new Date(Date.now() + 61_000);
  try {
    const report = await engine.sweepExpiredLeases();
    expect(report.lostDaemons).toEqual([a, c]);
    expect(report.faults).toMatchObject([{ step: 'daemons', id: b, error: { message: 'poisoned row' } }]);
    await mend();
    const next = await engine.sweepExpiredLeases();
    expect([next.lostDaemons, next.faults]).toEqual([[b], []]);
  } finally {
    clock.now = null;
  }
});

import { setTimeout as delay } from 'node:timers/promises';
import {
  type EngineEvent,
  eventSchema,
  type NeolithClient,
  type RunSnapshot,
  type RunStatus,
  type TaskStatus,
} from '@neolith/contracts';
import { expect, onTestFinished, test } from 'vitest';
import { openStream } from './support/openStream';
import { serverFixture, type Tenant } from './support/serverFixture';
import { whenVisible } from './support/whenVisible';

const fixture = serverFixture();

interface Bench {
  tenant: Tenant;
  client: NeolithClient;
  orchestratorId: string;
}

async function bench(): Promise<Bench> {
  const tenant = await fixture.tenant();
  const client = await tenant.client('write', 'work');
  const { id } = await client.createOrchestrator({
    body: { name: 'Runner', role: 'Engineer', discipline: 'Engineering', maxConcurrentTasks: 50 },
  });
  return { tenant, client, orchestratorId: id };
}

/** What a client that draws a run keeps of it. */
interface Drawn {
  status: RunStatus;
  tasks: Map<string, { status: TaskStatus; progress: number }>;
}

const FRESH = new Set(['task.claimed', 'task.retried', 'task.reopened']);

function draw({ run, tasks }: Pick<RunSnapshot, 'run' | 'tasks'>): Drawn {
  return {
    status: run.status,
    tasks: new Map(tasks.map(({ id, status, progress }) => [id, { status, progress }])),
  };
}

/** Applies an event to what is drawn; doing so twice is the same as once. */
function apply(drawn: Drawn, event: EngineEvent): void {
  if (event.taskId === null) {
    if (event.to !== null) drawn.status = event.to as RunStatus;
    return;
  }
  const task = drawn.tasks.get(event.taskId);
  if (task === undefined) return;
  if (event.to !== null) task.status = event.to as TaskStatus;
  const progress = event.data?.progress;
  if (typeof progress === 'number') task.progress = progress;
  else if (FRESH.has(event.type)) task.progress = 0;
  if (event.to === 'DONE') task.progress = 100;
}

/** Three waves of four tasks, each of the later ones after two of the wave before. */
async function makeRun({ client, orchestratorId }: Bench, config: Record<string, unknown> = {}) {
  const waves = [0, 1, 2].map((wave) => [0, 1, 2, 3].map((place) => `${wave}.${place}`));
  return client.createRun({
    body: {
      name: 'Followed',
      orchestratorId,
      config: { maxConcurrentTasks: 4, ...config },
      tasks: waves.flatMap((names, wave) =>
        names.map((key, place) => ({
          key,
          title: key,
          maxAttempts: 5,
          dependsOn:
            wave === 0 ? [] : [place, (place + 1) % 4].map((other) => waves[wave - 1]?.[other] ?? ''),
        })),
      ),
    },
  });
}

/** Claims and ends tasks of the run until it is over; some of them are given back, or report progress first. */
async function work({ client, orchestratorId }: Bench, runId: string): Promise<void> {
  for (let round = 0; ; round += 1) {
    const run = await client.getRun({ params: { id: runId } });
    if (run.finishedAt !== null) return;
    const { claims } = await client.claimTasks({
      params: { id: orchestratorId },
      body: { requestId: `${round}`, max: 2, waitSeconds: 1, criteria: { runId } },
    });
    for (const [index, { task, attempt }] of claims.entries()) {
      const params = { id: task.id };
      await client.updateTaskProgress({ params, body: { attemptId: attempt.id, progress: 30 + round } });
      if (round === 1 && index === 0) await client.releaseAttempt({ params: { id: attempt.id } });
      else await client.completeTask({ params, body: { attemptId: attempt.id, status: 'completed' } });
    }
  }
}

test('a snapshot and the events from its cursor on give what a later snapshot says, whenever it was taken', async () => {
  const own = await bench();
  const run = await makeRun(own);
  const params = { id: run.id };
  await own.client.startRun({ params, body: {} });
  const working = work(own, run.id);
  const token = await own.tenant.token('read');
  const followers = [];
  for (let taken = 0; taken < 4; taken += 1) {
    const snapshot = await own.client.getRunSnapshot({ params });
    const stream = await openStream(
      `${fixture.server.url}/api/v1/events?cursor=${encodeURIComponent(snapshot.cursor)}`,
      { token },
    );
    onTestFinished(() => stream.close());
    followers.push({ drawn: draw(snapshot), stream });
    await delay(20);
  }
  await working;
  const last = await own.client.getRunSnapshot({ params });
  expect(last.run.status).toBe('SUCCEEDED');
  expect(last.assignments).toEqual([]);
  for (const { drawn, stream } of followers) {
    const messages = await stream.until((all) => all.some(({ data }) => data.includes('"run.succeeded"')));
    for (const { data } of messages) {
      const event = eventSchema.parse(JSON.parse(data));
      if (event.runId === run.id) apply(drawn, event);
    }
    expect(drawn).toEqual(draw(last));
  }
  // The first was taken with all of the work before it: it did not merely copy the end.
  expect(followers[0]?.stream.messages.length).toBeGreaterThan(12);
});

test('a snapshot is one moment: its counts, tasks, assignments and waves agree while work goes on', async () => {
  const own = await bench();
  const run = await makeRun(own);
  const params = { id: run.id };
  await own.client.startRun({ params, body: {} });
  let over = false;
  const working = work(own, run.id).finally(() => {
    over = true;
  });
  let taken = 0;
  while (!over) {
    const { run: then, tasks, assignments, waves, edges } = await own.client.getRunSnapshot({ params });
    const count = (status: TaskStatus) => tasks.filter((task) => task.status === status).length;
    expect(then.counts).toMatchObject({
      total: 12,
      blocked: count('BLOCKED'),
      todo: count('TODO'),
      inProgress: count('IN_PROGRESS'),
      done: count('DONE'),
    });
    expect(assignments.map(({ taskId }) => taskId).sort()).toEqual(
      tasks
        .filter(({ status }) => status === 'IN_PROGRESS')
        .map(({ id }) => id)
        .sort(),
    );
    expect(waves.map((wave) => wave.length)).toEqual([4, 4, 4]);
    for (const [dependent, prerequisite] of edges) {
      if (tasks[prerequisite]?.status !== 'DONE') expect(tasks[dependent]?.status).toBe('BLOCKED');
    }
    taken += 1;
  }
  await working;
  expect(taken).toBeGreaterThan(2);
});

test('the history of a run is complete and in order, page by page', async () => {
  const own = await bench();
  const run = await makeRun(own);
  const params = { id: run.id };
  await own.client.startRun({ params, body: { reason: 'Go' } });
  await own.client.pauseRun({ params, body: {} });
  await own.client.resumeRun({ params, body: {} });
  await work(own, run.id);
  // Events are read in the order of their transactions, and so not before those that are under way elsewhere.
  const ofRun = async () => {
    const { events } = await own.tenant.engine.readEvents({ limit: 500 });
    return events.filter(({ runId }) => runId === run.id);
  };
  await expect
    .poll(async () => (await ofRun()).map(({ type }) => type), { timeout: 10_000 })
    .toContain('run.succeeded');

  const history: EngineEvent[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await own.client.getRunHistory({
      params,
      query: cursor === undefined ? { limit: 7 } : { limit: 7, cursor },
    });
    history.push(...page.events);
    if (page.events.length === 0) break;
    cursor = page.cursor;
  }
  expect(history).toEqual(await ofRun());
  expect(new Set(history.map(({ cursor }) => cursor)).size).toBe(history.length);
  expect(history.filter(({ taskId }) => taskId === null).map(({ type }) => type)).toEqual([
    'run.created',
    'run.started',
    'run.paused',
    'run.resumed',
    'run.succeeded',
  ]);
  // Each change of state begins where the one before ended.
  const at = new Map<string, string | null>();
  for (const { taskId, from, to, type } of history) {
    const thing = taskId ?? run.id;
    if (to === null) continue;
    if (at.has(thing)) expect([type, from]).toEqual([type, at.get(thing)]);
    at.set(thing, to);
  }
  expect([...at.values()].filter((status) => status === 'DONE')).toHaveLength(12);
  expect(history.filter(({ type }) => type === 'task.completed')).toHaveLength(12);
  expect(history.find(({ type }) => type === 'run.started')?.data).toMatchObject({ reason: 'Go' });
});

/** A run with a merge stage in which `count` tasks are MERGING, in this order. */
async function merging(own: Bench, count: number) {
  const { client, orchestratorId } = own;
  const run = await client.createRun({
    body: {
      name: 'Merges',
      orchestratorId,
      config: { mergeStage: true, maxConcurrentTasks: 10 },
      tasks: Array.from({ length: count }, (_, index) => ({ title: `${index}` })),
    },
  });
  await client.startRun({ params: { id: run.id }, body: {} });
  const { claims } = await client.claimTasks({
    params: { id: orchestratorId },
    body: { requestId: 'all', max: count, leaseSeconds: 600 },
  });
  for (const { task, attempt } of claims) {
    const settled = await client.completeTask({
      params: { id: task.id },
      body: { attemptId: attempt.id, status: 'completed', output: { code: 'done' } },
    });
    expect(settled.status).toBe('MERGING');
  }
  return { run, attempts: claims.map(({ attempt }) => attempt.id) as [string, ...string[]] };
}

const ask = (client: NeolithClient, id: string, waitSeconds = 0, signal?: AbortSignal) =>
  client.requestMerge({ params: { id }, body: { waitSeconds }, ...(signal === undefined ? {} : { signal }) });

test('who waits for the merge slot gets it within a second after it is free, in order, one at a time', async () => {
  const own = await bench();
  const { client } = own;
  const { run, attempts } = await merging(own, 3);
  const [first, second, third] = attempts as [string, string, string];
  // Who asks first is not who is first.
  expect(await ask(client, third)).toMatchObject({ granted: false, place: 2 });
  expect(await ask(client, first)).toMatchObject({ granted: true, place: 0 });
  const waiting = [ask(client, third, 20), ask(client, second, 20)] as const;
  const { mergeQueue } = await client.getRunSnapshot({ params: { id: run.id } });
  expect(mergeQueue.map(({ attemptId, grantedAt }) => [attemptId, grantedAt !== null])).toEqual([
    [first, true],
    [second, false],
    [third, false],
  ]);

  const settled = await client.completeMerge({ params: { id: first }, body: { output: { commit: 'c1' } } });
  expect(settled).toMatchObject({ status: 'DONE', replayed: false });
  const freed = await whenVisible(fixture.test);
  expect(await waiting[1]).toMatchObject({ attemptId: second, granted: true });
  expect(performance.now() - freed).toBeLessThan(1_000);
  expect(await ask(client, third)).toMatchObject({ granted: false, place: 1 });

  // A conflict frees the slot too, and the task is done again.
  const failed = await client.failMerge({ params: { id: second }, body: { error: 'Conflict in a.ts' } });
  expect(failed.status).toBe('TODO');
  const freedAgain = await whenVisible(fixture.test);
  expect(await waiting[0]).toMatchObject({ attemptId: third, granted: true });
  expect(performance.now() - freedAgain).toBeLessThan(1_000);
  expect(
    await client.completeMerge({ params: { id: first }, body: { output: { commit: 'c1' } } }),
  ).toMatchObject({
    status: 'DONE',
    replayed: true,
  });
});

test('a wait for the merge slot ends when its time is up, and with the cancel of its task', async () => {
  const own = await bench();
  const { client } = own;
  const { attempts } = await merging(own, 2);
  const [first, second] = attempts as [string, string];
  await ask(client, first);
  const begun = performance.now();
  expect(await ask(client, second, 0.3)).toMatchObject({ granted: false });
  expect(performance.now() - begun).toBeGreaterThan(290);
  expect(performance.now() - begun).toBeLessThan(3_000);
  const waiting = ask(client, second, 20);
  const { taskId } = await client.getAttempt({ params: { id: second } });
  await client.cancelTask({ params: { id: taskId }, body: {} });
  const asked = await whenVisible(fixture.test);
  expect(await waiting).toMatchObject({ granted: false, cancelRequested: true });
  expect(performance.now() - asked).toBeLessThan(1_000);
});

/** Whether the server asked the database for a merge slot within so long after this call. */
async function slotAskedFor(limitMs: number): Promise<boolean> {
  const { pool } = fixture.test.database;
  const { rows } = await pool.query<{ now: string }>('SELECT clock_timestamp()::text AS now');
  const deadline = performance.now() + limitMs;
  while (performance.now() < deadline) {
    const found = await pool.query(
      `SELECT 1 FROM pg_stat_activity WHERE application_name = 'neolith-web'
         AND datname = current_database() AND query_start > $1::timestamptz AND query ILIKE '%request_merge%'`,
      [rows[0]?.now],
    );
    if (found.rowCount !== 0) return true;
    await delay(10);
  }
  return false;
}

test('a caller that hangs up while it waits for the merge slot is granted none afterwards', async () => {
  const own = await bench();
  const { client } = own;
  const { run, attempts } = await merging(own, 3);
  const [first, second, third] = attempts as [string, string, string];
  await ask(client, first);
  const abort = new AbortController();
  const asked = slotAskedFor(10_000);
  const waiting = ask(client, second, 20, abort.signal);
  expect(await asked).toBe(true);
  abort.abort();
  await expect(waiting).rejects.toThrow();
  // A wait that was still there would ask at once, and take the slot that is free.
  const askedAgain = slotAskedFor(2_500);
  await client.failMerge({ params: { id: first }, body: { error: 'Red' } });
  expect(await askedAgain).toBe(false);
  const { mergeQueue } = await client.getRunSnapshot({ params: { id: run.id } });
  expect(mergeQueue.map(({ attemptId, grantedAt }) => [attemptId, grantedAt])).toEqual([
    [second, null],
    [third, null],
  ]);
});

test('an attempt that is not merging, or that nobody has, is refused by each of the three', async () => {
  const own = await bench();
  const { client, orchestratorId } = own;
  const { attempts } = await merging(own, 1);
  const code = (call: Promise<unknown>) =>
    call.then(
      () => 'accepted',
      (error: { code?: string }) => error.code,
    );
  const id = attempts[0];
  expect(await code(client.completeMerge({ params: { id }, body: {} }))).toBe('MERGE_NOT_GRANTED');
  expect(await code(client.failMerge({ params: { id }, body: { error: 'x' } }))).toBe('MERGE_NOT_GRANTED');
  const { tasks } = await client.createTasks({ body: { tasks: [{ title: 'Plain', orchestratorId }] } });
  const execution = await client.executeTask({
    params: { id: tasks[0]?.id ?? '' },
    body: { orchestratorId, leaseSeconds: 600 },
  });
  const plain = { id: execution.status === 'in_progress' ? execution.attemptId : '' };
  expect(await code(client.requestMerge({ params: plain, body: {} }))).toBe('NOT_MERGING');
  expect(await code(client.completeMerge({ params: plain, body: {} }))).toBe('NOT_MERGING');
  expect(await code(client.failMerge({ params: plain, body: { error: 'x' } }))).toBe('NOT_MERGING');
  const nobody = { id: 'att_01990000-0000-7000-8000-000000000000' };
  expect(await code(client.requestMerge({ params: nobody, body: {} }))).toBe('ATTEMPT_NOT_FOUND');
  expect(await code(client.completeMerge({ params: nobody, body: {} }))).toBe('ATTEMPT_NOT_FOUND');
  expect(await code(client.failMerge({ params: nobody, body: { error: 'x' } }))).toBe('ATTEMPT_NOT_FOUND');
});

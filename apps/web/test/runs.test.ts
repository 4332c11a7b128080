import {
  type NeolithClient,
  NeolithError,
  planSchema,
  type Run,
  type RunStatus,
  type Task,
} from '@neolith/contracts';
import { describe, expect, test } from 'vitest';
import { serverFixture, type Tenant } from './support/serverFixture';

const fixture = serverFixture();

async function refusal(call: Promise<unknown>): Promise<NeolithError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof NeolithError) return error;
    throw error;
  }
  throw new Error('It was not refused');
}

interface Bench {
  tenant: Tenant;
  client: NeolithClient;
  orchestratorId: string;
  /** Of the tasks `names`, each after the one before. */
  chain(names: readonly string[], body?: Record<string, unknown>): Promise<{ run: Run; tasks: Task[] }>;
  begin(taskId: string): Promise<string>;
}

async function bench(): Promise<Bench> {
  const tenant = await fixture.tenant();
  const client = await tenant.client('write', 'work');
  const { id: orchestratorId } = await client.createOrchestrator({
    body: { name: 'Runner', role: 'Engineer', discipline: 'Engineering', maxConcurrentTasks: 20 },
  });
  return {
    tenant,
    client,
    orchestratorId,
    async chain(names, body = {}) {
      const run = await client.createRun({
        body: {
          name: 'Chain',
          orchestratorId,
          ...body,
          tasks: names.map((title, index) => ({
            key: title,
            title,
            dependsOn: index === 0 ? [] : [names[index - 1] as string],
          })),
        },
      });
      const { tasks } = await client.listTasks({ query: { runId: run.id } });
      return { run, tasks: names.map((name) => tasks.find((task) => task.title === name) as Task) };
    },
    async begin(taskId) {
      const execution = await client.executeTask({
        params: { id: taskId },
        body: { orchestratorId, leaseSeconds: 600 },
      });
      if (execution.status !== 'in_progress') throw new Error(execution.error);
      return execution.attemptId;
    },
  };
}

const VERBS = ['start', 'pause', 'resume', 'stop', 'release', 'retry', 'reset', 'complete'] as const;
type Verb = (typeof VERBS)[number];

/** Which verbs a run may be moved by, from each status; `complete` is refused otherwise while something is left. */
const LEGAL: Record<RunStatus, readonly Verb[]> = {
  PENDING: ['start'],
  RUNNING: ['pause', 'stop', 'complete'],
  PAUSED: ['resume', 'stop', 'reset', 'complete'],
  QUARANTINED: ['stop', 'release', 'retry', 'reset'],
  SUCCEEDED: ['reset'],
  FAILED: ['retry', 'reset'],
  CANCELLED: ['reset'],
};

/** A run that came to the status by what happens to runs. */
async function runThatIs(status: RunStatus, { client, chain, begin }: Bench): Promise<string> {
  const config = {
    failurePolicy: status === 'QUARANTINED' ? 'quarantine' : 'stop',
    failureThreshold: { consecutive: 1 },
  };
  const { run, tasks } = await chain(['one', 'two'], { config });
  const params = { id: run.id };
  if (status === 'PENDING') return run.id;
  await client.startRun({ params, body: {} });
  if (status === 'PAUSED') await client.pauseRun({ params, body: {} });
  if (status === 'CANCELLED') await client.stopRun({ params, body: {} });
  if (status === 'QUARANTINED' || status === 'FAILED') {
    const id = tasks[0]?.id ?? '';
    const attemptId = await begin(id);
    await client.completeTask({ params: { id }, body: { attemptId, status: 'failed', error: 'Red' } });
  }
  if (status === 'SUCCEEDED') {
    for (const { id } of tasks) {
      const attemptId = await begin(id);
      await client.completeTask({ params: { id }, body: { attemptId, status: 'completed' } });
    }
  }
  expect((await client.getRun({ params })).status).toBe(status);
  return run.id;
}

describe.each(Object.keys(LEGAL) as RunStatus[])('a run that is %s', (status) => {
  test('is moved by the legal verbs, and refuses the others with 409, naming those', async () => {
    const own = await bench();
    const { client } = own;
    const move = (verb: Verb, id: string) =>
      client[`${verb}Run`]({ params: { id }, body: { reason: 'Because' } });
    const still = await runThatIs(status, own);
    const before = await client.getRun({ params: { id: still } });
    for (const verb of VERBS) {
      if (LEGAL[status].includes(verb)) continue;
      const error = await refusal(move(verb, still));
      expect([verb, error.code, error.status]).toEqual([verb, 'INVALID_TRANSITION', 409]);
      expect(error.message).toContain(`is ${status}`);
      const named = /Possible now: ([a-z, ]+)/.exec(error.message)?.[1]?.split(', ');
      expect([...(named ?? [])].sort()).toEqual([...LEGAL[status]].sort());
    }
    expect(await client.getRun({ params: { id: still } })).toEqual(before);
    for (const verb of LEGAL[status]) {
      if (verb === 'complete') {
        expect((await refusal(move(verb, still))).code).toBe('RUN_NOT_OVER');
      } else {
        const id = await runThatIs(status, own);
        expect([verb, (await move(verb, id)).status]).not.toEqual([verb, status]);
      }
    }
  });
});

test('only a run that is not active is deleted, and its history stays', async () => {
  const own = await bench();
  const running = await runThatIs('RUNNING', own);
  expect((await refusal(own.client.deleteRun({ params: { id: running } }))).code).toBe('INVALID_TRANSITION');
  const id = await runThatIs('CANCELLED', own);
  await own.client.deleteRun({ params: { id } });
  expect((await refusal(own.client.getRun({ params: { id } }))).code).toBe('RUN_NOT_FOUND');
  expect((await own.client.listTasks({ query: { runId: id } })).tasks).toEqual([]);
  // Events are read in the order of their transactions, and so not before those that are under way elsewhere.
  const told = async () => {
    const { events } = await own.tenant.engine.readEvents();
    return events.filter(({ runId }) => runId === id).map(({ type }) => type);
  };
  await expect.poll(told, { timeout: 10_000 }).toContain('run.deleted');
  expect(await told()).toContain('run.created');
});

test('a run hands out its tasks to claims that ask for it, and only those', async () => {
  const { client, orchestratorId, chain } = await bench();
  const first = await chain(['a1', 'a2']);
  const second = await chain(['b1']);
  for (const { run } of [first, second]) await client.startRun({ params: { id: run.id }, body: {} });
  await client.createTasks({ body: { tasks: [{ title: 'Loose', orchestratorId, priority: 'CRITICAL' }] } });
  const criteria = { runId: second.run.id };
  const next = await client.getNextTask({ params: { id: orchestratorId }, query: criteria });
  expect(next?.title).toBe('b1');
  const { claims } = await client.claimTasks({
    params: { id: orchestratorId },
    body: { requestId: 'one', max: 10, criteria },
  });
  expect(claims.map(({ task }) => [task.title, task.runId])).toEqual([['b1', second.run.id]]);
  const ready = await client.getReadyTasks({ params: { id: first.run.id } });
  expect(ready.tasks.map(({ title }) => title)).toEqual(['a1']);
  const { tasks } = await client.listTasks({ query: { runId: first.run.id, status: 'BLOCKED' } });
  expect(tasks.map(({ title }) => title)).toEqual(['a2']);
});

test('a run of another workspace gives no task away, and takes none in', async () => {
  const [own, other] = [await bench(), await bench()];
  const { run, tasks } = await own.chain(['secret']);
  await own.client.startRun({ params: { id: run.id }, body: {} });
  const foreign = other.client;
  expect((await foreign.listTasks({ query: { runId: run.id } })).tasks).toEqual([]);
  expect((await foreign.listRuns({ query: {} })).runs).toEqual([]);
  const { claims } = await foreign.claimTasks({
    params: { id: other.orchestratorId },
    body: { requestId: 'x', criteria: { runId: run.id } },
  });
  expect(claims).toEqual([]);
  const into = foreign.createTasks({ body: { tasks: [{ title: 'Intruder', runId: run.id }] } });
  expect((await refusal(into)).code).toBe('RUN_NOT_FOUND');
  const upon = foreign.createRun({
    body: { name: 'Upon', tasks: [{ title: 'x', dependsOn: [tasks[0]?.id ?? ''] }] },
  });
  expect((await refusal(upon)).code).toBe('TASK_NOT_FOUND');
  expect((await own.client.getRun({ params: { id: run.id } })).counts.total).toBe(1);
});

test('runs are listed newest first, page by page, by status and by source', async () => {
  const { client, chain } = await bench();
  const made: string[] = [];
  for (const name of ['one', 'two', 'three']) made.push((await chain(['t'], { name, source: name })).run.id);
  await client.startRun({ params: { id: made[1] as string }, body: {} });
  const page = await client.listRuns({ query: { limit: 2 } });
  const rest = await client.listRuns({ query: { limit: 2, cursor: page.nextCursor ?? '' } });
  expect([...page.runs, ...rest.runs].map(({ id }) => id)).toEqual([...made].reverse());
  expect(rest.nextCursor).toBeNull();
  expect((await client.listRuns({ query: { status: 'RUNNING' } })).runs.map(({ name }) => name)).toEqual([
    'two',
  ]);
  expect((await client.listRuns({ query: { source: 'three' } })).runs.map(({ id }) => id)).toEqual([made[2]]);
  expect((await refusal(client.listRuns({ query: { cursor: 'x' } }))).code).toBe('INVALID_CURSOR');
});

test('progress tells percent, what runs, what it waits for and when it may end', async () => {
  const { client, chain, begin } = await bench();
  const { run, tasks } = await chain(['one', 'two']);
  const params = { id: run.id };
  expect((await client.getRunProgress({ params })).waitingFor).toEqual(['It has not been started']);
  await client.startRun({ params, body: {} });
  const id = tasks[0]?.id ?? '';
  const attemptId = await begin(id);
  await client.updateTaskProgress({ params: { id }, body: { attemptId, progress: 50 } });
  const half = await client.getRunProgress({ params });
  expect(half).toMatchObject({ status: 'RUNNING', percent: 25, waveCount: 2, currentWave: 0 });
  expect(half.running).toMatchObject([{ taskId: id, attemptId, progress: 50 }]);
  expect(half.eta?.bound).toBe('critical-path');
  await client.completeTask({ params: { id }, body: { attemptId, status: 'completed' } });
  expect(await client.getRunProgress({ params })).toMatchObject({ percent: 50, currentWave: 1 });
});

test('the graph of a run is answered as data, as a drawing and as a plan that can be imported again', async () => {
  const { client, chain } = await bench();
  const hostile = 'x"]; click "\\" -->|`<b>| ]\n}';
  const { run, tasks } = await chain(['ground', hostile]);
  const graphOf = (format: 'json' | 'dot' | 'mermaid' | 'plan') =>
    client.getRunGraph({ params: { id: run.id }, query: { format } });

  const json = await graphOf('json');
  expect(json).toMatchObject({ runId: run.id, format: 'json', text: null });
  const places = new Map(json.graph?.tasks.map((task, place) => [place, task.id]));
  expect(json.graph?.edges.map((edge) => edge.map((place) => places.get(place)))).toEqual([
    [tasks[1]?.id, tasks[0]?.id],
  ]);
  expect(json.graph?.waves).toEqual(tasks.map(({ id }) => [id]));

  const dot = await graphOf('dot');
  expect(dot).toMatchObject({ format: 'dot', graph: null });
  expect(dot.text).toContain('digraph "Chain" {');
  expect(dot.text).toContain(`"${tasks[0]?.id}" -> "${tasks[1]?.id}";`);
  // Whatever a title holds, it stays within its own line and its own quotes.
  const label = dot.text?.split('\n').filter((line) => line.includes('click'));
  expect(label?.map((line) => line.replace(/\\./g, ''))).toEqual([
    expect.stringMatching(/^ {2}"task_[^"]+" \[label="[^"]+"(, \w+="[^"]*")+\];$/),
  ]);
  const mermaid = await graphOf('mermaid');
  expect(mermaid.text).toContain('flowchart LR\n');
  const node = mermaid.text?.split('\n').filter((line) => line.includes('click'));
  expect(node?.map((line) => /^ {2}t\d\["[^"\]|`]+"\]:::blocked$/.test(line))).toEqual([true]);

  const plan = planSchema.parse(JSON.parse((await graphOf('plan')).text ?? ''));
  const [first, second] = [tasks[0]?.id ?? '', tasks[1]?.id ?? ''];
  expect(plan).toMatchObject({ version: 1, name: 'Chain', run: { maxConcurrentTasks: 3, waves: 'off' } });
  expect(plan.tasks.map(({ id, title, dependsOn }) => [id, title, dependsOn])).toEqual([
    [first, 'ground', undefined],
    [second, hostile, [first]],
  ]);
});

test('a plan that was imported is given back under its own names, with all that it said', async () => {
  const { client, orchestratorId } = await bench();
  const { run } = await client.importPlan({
    body: {
      name: 'House',
      description: 'All of it',
      source: 'house.yaml',
      config: { maxConcurrentTasks: 5, failureThreshold: { consecutive: 2 } },
      tasks: [
        {
          key: 'ground',
          title: 'Lay the ground',
          description: 'Deep enough',
          acceptanceCriteria: ['It holds'],
          orchestratorId,
          metadata: { soil: 'clay' },
          maxAttempts: 2,
          tags: ['stone'],
        },
        { key: 'walls', title: 'Raise walls', dependsOn: ['ground'], parentId: 'ground', timeoutSeconds: 90 },
      ],
    },
  });
  const params = { id: run?.id ?? '' };
  const { text } = await client.getRunGraph({ params, query: { format: 'plan' } });
  const plan = planSchema.parse(JSON.parse(text ?? ''));
  expect(plan).toMatchObject({
    description: 'All of it',
    run: { maxConcurrentTasks: 5, failureThreshold: { consecutive: 2, rate: 0.5, minAttempts: 10 } },
    tasks: [
      {
        id: 'ground',
        description: 'Deep enough',
        acceptanceCriteria: ['It holds'],
        orchestrator: orchestratorId,
        metadata: { soil: 'clay' },
        maxAttempts: 2,
        tags: ['stone'],
      },
      { id: 'walls', dependsOn: ['ground'], parent: 'ground', timeoutMinutes: 1.5 },
    ],
  });
});

test('settings change while the run goes on, and hold from the next claim', async () => {
  const { client, orchestratorId } = await bench();
  const run = await client.createRun({
    body: {
      name: 'Narrow',
      orchestratorId,
      config: { maxConcurrentTasks: 1 },
      tasks: ['a', 'b', 'c'].map((title) => ({ title })),
    },
  });
  const params = { id: run.id };
  await client.startRun({ params, body: {} });
  const claim = (requestId: string) =>
    client.claimTasks({ params: { id: orchestratorId }, body: { requestId, max: 10 } });
  expect((await claim('one')).claims).toHaveLength(1);
  const changed = await client.updateRun({
    params,
    body: { name: 'Wide', config: { maxConcurrentTasks: 2 } },
  });
  expect(changed).toMatchObject({ name: 'Wide', config: { ...run.config, maxConcurrentTasks: 2 } });
  expect((await claim('two')).claims).toHaveLength(1);
});

import { type NeolithClient, problemSchema } from '@neolith/contracts';
import { beforeEach, describe, expect, test } from 'vitest';
import { serverFixture, type Tenant } from './support/serverFixture';

const fixture = serverFixture();
let tenant: Tenant;
let client: NeolithClient;
let token: string;
let orchestratorId: string;

beforeEach(async () => {
  tenant = await fixture.tenant();
  token = await tenant.token('write');
  client = await tenant.client('write', 'work');
  const orchestrator = await client.createOrchestrator({
    body: { name: 'Planned', role: 'Engineer', discipline: 'Engineering' },
  });
  orchestratorId = orchestrator.id;
});

type Plan = Parameters<NeolithClient['importPlan']>[0]['body'];

const house = (): Plan => ({
  name: 'House',
  source: 'plans/house.yaml',
  orchestratorId,
  tasks: [
    { key: 'ground', title: 'Lay the ground', priority: 'HIGH', estimateMinutes: 30 },
    { key: 'walls', title: 'Raise walls', dependsOn: ['ground'], tags: ['stone'] },
    { key: 'roof', title: 'Close the roof', dependsOn: ['walls'], dueAt: '2030-01-01T00:00:00Z' },
  ],
});

/** All that an import could leave behind. */
async function stored() {
  const tables = ['runs', 'run_waves', 'tasks', 'task_dependencies', 'ready_tasks', 'events'];
  const parts = tables.map((name) => `(SELECT count(*)::int FROM ${name}) AS ${name}`);
  const { rows } = await fixture.test.database.pool.query(`SELECT ${parts.join(', ')}`);
  return rows[0];
}

describe('a plan', () => {
  test('is shown what would happen by a dry run, which stores nothing', async () => {
    const before = await stored();
    const result = await client.importPlan({ body: { ...house(), dryRun: true, start: true } });
    expect(result).toMatchObject({
      run: null,
      dryRun: true,
      unchanged: 0,
      updated: [],
      removed: [],
      refused: [],
    });
    expect(result.created.map(({ sourceId, taskId }) => [sourceId, taskId])).toEqual([
      ['ground', null],
      ['walls', null],
      ['roof', null],
    ]);
    expect(await stored()).toEqual(before);
    expect((await client.listRuns({ query: {} })).runs).toEqual([]);
  });

  test('imported twice changes nothing the second time', async () => {
    const first = await client.importPlan({ body: house() });
    expect(first).toMatchObject({ run: { status: 'PENDING', counts: { total: 3, todo: 1, blocked: 2 } } });
    expect(first.created).toHaveLength(3);
    const before = await stored();
    const second = await client.importPlan({ body: house() });
    expect(second).toMatchObject({ created: [], updated: [], unchanged: 3, removed: [], refused: [] });
    expect(second.run).toEqual(first.run);
    expect(await stored()).toEqual(before);
  });

  test('imported again after an edit brings its run up to date, and a dry run says so before', async () => {
    const { run } = await client.importPlan({ body: house() });
    const edited = house();
    edited.tasks = [
      { ...edited.tasks[0], title: 'Lay the ground well' },
      { ...edited.tasks[1], title: 'Raise walls', dependsOn: [] },
      { key: 'garden', title: 'Plant', dependsOn: ['walls'] },
    ];
    const before = await stored();
    const dry = await client.importPlan({ body: { ...edited, dryRun: true } });
    expect(await stored()).toEqual(before);
    const real = await client.importPlan({ body: { ...edited, start: true } });
    for (const result of [dry, real]) {
      expect(result.created.map(({ sourceId }) => sourceId)).toEqual(['garden']);
      expect(result.updated.map(({ sourceId, changes }) => [sourceId, changes])).toEqual([
        ['ground', ['title']],
        ['walls', ['dependsOn']],
      ]);
      expect(result.removed.map(({ sourceId }) => sourceId)).toEqual(['roof']);
    }
    expect(real.run).toMatchObject({
      id: run?.id,
      status: 'RUNNING',
      counts: { total: 4, todo: 2, blocked: 2 },
    });
  });

  test('of 20,000 tasks is taken in one call', async () => {
    const tasks = Array.from({ length: 20_000 }, (_, index) => ({
      key: `t${index}`,
      title: `Task ${index}`,
      dependsOn: index < 100 ? [] : [`t${index - 100}`],
    }));
    const run = await client.createRun({
      body: { name: 'Large', orchestratorId, tasks },
      signal: AbortSignal.timeout(55_000),
    });
    expect(run.counts).toMatchObject({ total: 20_000, todo: 100, blocked: 19_900 });
  });

  test('of one source makes one run, however many import it at once', async () => {
    const results = await Promise.all(Array.from({ length: 6 }, () => client.importPlan({ body: house() })));
    expect(new Set(results.map(({ run }) => run?.id)).size).toBe(1);
    expect(results.filter(({ created }) => created.length > 0)).toHaveLength(1);
    expect((await client.listTasks({ query: {} })).tasks).toHaveLength(3);
  });
});

type Bad = [what: string, status: number, code: string, told: RegExp, tasks: unknown];

const chain = (...names: string[]) =>
  names.map((key, index) => ({ key, title: key, dependsOn: [names[(index + 1) % names.length]] }));

const bad: Bad[] = [
  ['a cycle', 409, 'DEPENDENCY_CYCLE', /"?a"? → "?b"? → "?c"? → "?a"?/, chain('a', 'b', 'c')],
  [
    'a task that waits for itself',
    409,
    'DEPENDENCY_ON_ITSELF',
    /\ba\b/,
    [{ key: 'a', title: 'a', dependsOn: ['a'] }],
  ],
  [
    'a dependency that nobody is',
    404,
    'TASK_NOT_FOUND',
    /nobody/,
    [{ key: 'a', title: 'a', dependsOn: ['nobody'] }],
  ],
  [
    'a dependency given twice',
    409,
    'DUPLICATE_DEPENDENCY',
    /\ba\b/,
    [
      { key: 'a', title: 'a' },
      { key: 'b', title: 'b', dependsOn: ['a', 'a'] },
    ],
  ],
  [
    'two tasks with one key',
    400,
    'INVALID_INPUT',
    /twin/,
    [
      { key: 'twin', title: 'a' },
      { key: 'twin', title: 'b' },
    ],
  ],
  [
    'a title that is a number',
    400,
    'INVALID_INPUT',
    /tasks\.1\.title/,
    [
      { key: 'a', title: 'a' },
      { key: 'b', title: 7 },
    ],
  ],
  [
    'a priority that is none',
    400,
    'INVALID_INPUT',
    /tasks\.0\.priority/,
    [{ key: 'a', title: 'a', priority: 'P0' }],
  ],
  [
    'dependencies that are a text',
    400,
    'INVALID_INPUT',
    /tasks\.0\.dependsOn/,
    [{ key: 'a', title: 'a', dependsOn: 'b' }],
  ],
  [
    'a field that is not known',
    400,
    'INVALID_INPUT',
    /tasks\.0\.depends_on/,
    [{ key: 'a', title: 'a', depends_on: [] }],
  ],
  ['tasks that are no list', 400, 'INVALID_INPUT', /tasks/, { a: { title: 'a' } }],
  [
    'an orchestrator that nobody is',
    404,
    'ORCHESTRATOR_NOT_FOUND',
    /orch_x/,
    [{ key: 'a', title: 'a', orchestratorId: 'orch_x' }],
  ],
  [
    '20,001 tasks',
    400,
    'INVALID_INPUT',
    /tasks.*20,?000/i,
    Array.from({ length: 20_001 }, (_, index) => ({ key: `${index}`, title: 'x' })),
  ],
  [
    'a description of 101 KB',
    400,
    'INVALID_INPUT',
    /tasks\.0\.description/,
    [{ key: 'a', title: 'a', description: 'é'.repeat(52_000) }],
  ],
];

describe.each([
  ['import', (tasks: unknown) => ({ name: 'Bad', source: 'bad.yaml', tasks })],
  ['a new run', (tasks: unknown) => ({ name: 'Bad', tasks })],
])('%s', (way, planOf) => {
  const path = way === 'import' ? '/api/v1/runs/import' : '/api/v1/runs';
  const post = (body: BodyInit) =>
    fixture.fetch(path, { method: 'POST', token, headers: { 'content-type': 'application/json' }, body });

  test.each(bad)('refuses %s, says where, and stores nothing', async (_, status, code, told, tasks) => {
    const before = await stored();
    const response = await post(JSON.stringify(planOf(tasks)));
    const problem = problemSchema.parse(await response.json());
    expect([response.status, problem.code]).toEqual([status, code]);
    expect(JSON.stringify([problem.detail, problem.errors])).toMatch(told);
    expect(await stored()).toEqual(before);
  });

  test('refuses 70 MB, whether they are announced or not, and stores nothing', async () => {
    const before = await stored();
    const megabyte = new TextEncoder().encode(' '.repeat(1_048_576));
    const announced = await post(new Blob(Array(70).fill(megabyte)));
    expect([announced.status, (await announced.json()).code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent === 70) controller.close();
        else controller.enqueue(megabyte);
        sent += 1;
      },
    });
    const chunked = await fixture.fetch(path, {
      method: 'POST',
      token,
      headers: { 'content-type': 'application/json' },
      body,
      duplex: 'half',
    } as RequestInit);
    expect([chunked.status, (await chunked.json()).code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    expect(await stored()).toEqual(before);
  });
});

test('a plan without tasks is no plan, and a run may begin without any', async () => {
  const empty = await fixture.fetch('/api/v1/runs/import', {
    method: 'POST',
    token,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Empty', source: 'empty.yaml', tasks: [] }),
  });
  expect(problemSchema.parse(await empty.json())).toMatchObject({
    code: 'INVALID_INPUT',
    errors: [{ path: 'tasks' }],
  });
  expect(await client.createRun({ body: { name: 'Later' } })).toMatchObject({ counts: { total: 0 } });
});

import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { openWorkplace } from '../../daemon/test/worker/support/workplace.js';
import { environmentOf } from './support/environmentOf.js';
import { runNeolith } from './support/runNeolith.js';

const work = openWorkplace();
const fixture = (name: string) =>
  fileURLToPath(new URL(`../../daemon/test/plans/fixtures/dirty/${name}`, import.meta.url));
const DIRTY = fixture('issues.jsonl');

const environment = () => environmentOf(work);
const run = (...args: string[]) => runNeolith(args, environment());
const json = async (...args: string[]) => JSON.parse((await run(...args, '--json')).stdout);

async function writePlan(tasks: readonly object[], name = 'Plan', more: object = {}): Promise<string> {
  const file = work.path(`${name}.json`);
  await writeFile(file, JSON.stringify({ version: 1, name, ...more, tasks }));
  return file;
}

const runsOf = async (source: string) => (await work.engine.listRuns({ source })).runs;

it('stores a plan as a run, finds it unchanged the second time, and brings it up to date', async () => {
  const ada = await work.orchestrator({ name: 'Ada import' });
  const grace = await work.orchestrator({ name: 'Grace import' });
  const tasks = [
    { id: 'a', title: 'First', priority: 'HIGH', tags: ['backend'], metadata: { b: { y: 1, x: [2] }, a: 1 } },
    {
      id: 'b',
      title: 'Second',
      dependsOn: ['a'],
      due: '2026-11-21',
      tags: ['design'],
      timeoutMinutes: 0.001,
    },
    { id: 'c', title: 'Done before', status: 'done', acceptanceCriteria: ['it works'] },
  ];
  const file = await writePlan(tasks, 'Updates');
  const args = ['import', file, '--orchestrator', 'ada import', '--assign', 'design=Grace import'];
  const first = await json(...args);
  expect(first).toMatchObject({
    ok: true,
    source: 'Updates',
    dryRun: false,
    format: 'neolith',
    result: {
      run: { name: 'Updates', status: 'PENDING', orchestratorId: ada.id, counts: { total: 3, done: 1 } },
      unchanged: 0,
      updated: [],
      removed: [],
      refused: [],
    },
  });
  expect(first.result.created.map(({ sourceId }: { sourceId: string }) => sourceId)).toEqual(['a', 'b', 'c']);
  const runId: string = first.result.run.id;
  const stored = (await work.engine.listTasks({ runId })).tasks;
  const byId = new Map(stored.map((task) => [task.sourceId, task]));
  expect(byId.get('a')).toMatchObject({ status: 'TODO', orchestratorId: ada.id, priority: 'HIGH' });
  expect(byId.get('b')).toMatchObject({ status: 'BLOCKED', orchestratorId: grace.id, timeoutSeconds: 1 });
  expect(byId.get('c')).toMatchObject({ status: 'DONE' });

  const second = await json(...args);
  expect(second.result).toMatchObject({ created: [], unchanged: 3, updated: [], run: { id: runId } });

  await writePlan(
    [
      { ...tasks[0], title: 'First, renamed' },
      { ...tasks[1], dependsOn: ['a', 'd'] },
      { id: 'd', title: 'New' },
    ],
    'Updates',
  );
  const dry = await run(...args, '--dry-run');
  expect(dry.stdout).toContain('would be created  1\n    d  New');
  const third = await run(...args);
  expect(third.stdout).toMatch(/created +1\n {2}updated +2\n {4}a {2}First, renamed {2}\(title\)\n/);
  expect(third.stdout).toContain('b  Second  (dependsOn)');
  expect(third.stdout).toMatch(/not in the plan any more, left as they are {2}1\n {4}c {2}Done before/);
  expect(await runsOf('Updates')).toHaveLength(1);
  const added = (await work.engine.listTasks({ runId })).tasks.find(({ sourceId }) => sourceId === 'b');
  expect((await work.engine.getTask(added?.id ?? '')).prerequisites.map(({ title }) => title).sort()).toEqual(
    ['First, renamed', 'New'],
  );
});

it('gives the run the settings of the command line over those of the plan, and starts it', async () => {
  const ada = await work.orchestrator({ name: 'Ada settings' });
  const file = await writePlan(
    [
      { id: 'a', title: 'A' },
      { id: 'b', title: 'B', due: '2026-12-24' },
    ],
    'Settings',
    { run: { maxConcurrentTasks: 7, waves: 'strict', failurePolicy: 'stop' } },
  );
  const flags = [
    ...[
      '--max-tasks',
      '9',
      '--max-merges',
      '2',
      '--wave-delay',
      '2m',
      '--agents-per-wave',
      '4',
      '--merge-stage',
    ],
    ...['--failure-policy', 'continue', '--on-prerequisite-failure', 'cancel', '--run-timeout', '1d'],
    ...['--due', '2026-12-31', '--start', '--orchestrator', ada.id, '--source', 'elsewhere'],
  ];
  const { result } = await json('import', file, ...flags);
  expect(result.run).toMatchObject({
    status: 'RUNNING',
    source: 'elsewhere',
    dueAt: '2026-12-31T23:59:59.999Z',
    config: {
      maxConcurrentTasks: 9,
      maxConcurrentMerges: 2,
      waves: 'strict',
      waveDelaySeconds: 120,
      maxAgentsPerWave: 4,
      mergeStage: true,
      failurePolicy: 'continue',
      onPrerequisiteFailure: 'cancel',
      timeoutSeconds: 86_400,
    },
  });
  const { tasks } = await work.engine.listTasks({ runId: result.run.id });
  const due = Object.fromEntries(tasks.map((task) => [task.sourceId, task.dueAt?.toISOString()]));
  expect(due).toEqual({ a: '2026-12-31T23:59:59.999Z', b: '2026-12-24T23:59:59.999Z' });
  expect((await json('import', file, ...flags)).result).toMatchObject({ unchanged: 2, updated: [] });
});

it('prints every problem of a dirty file with its place, imports the rest, and refuses it with --strict', async () => {
  await work.orchestrator({ name: 'Dirty' });
  const { code, stdout, stderr } = await run('import', DIRTY, '--orchestrator', 'Dirty', '--source', 'dirty');
  expect(code).toBe(0);
  const lines = stderr.trim().split('\n');
  for (const line of lines) expect(line).toMatch(/issues\.jsonl:\d+(:\d+)?: (warning|notice) [A-Z_]+: /);
  expect(stderr).toContain('DEPENDENCY_UNKNOWN');
  expect(stderr).toContain('ID_DUPLICATE');
  expect(stdout).toMatch(/created\s+\d+/);
  const { tasks } = await work.engine.listTasks({ source: 'dirty', limit: 500 });
  expect(tasks.length).toBeGreaterThan(5);

  const again = await json('import', DIRTY, '--orchestrator', 'Dirty', '--source', 'dirty');
  expect(again.result).toMatchObject({ created: [], unchanged: tasks.length, updated: [] });
  expect(again.counts.tasks).toBe(tasks.length);
  expect(again.problems).toHaveLength(lines.length);
  expect(again.problems[0]).toMatchObject({
    file: DIRTY,
    line: expect.any(Number),
    code: expect.any(String),
  });

  const strict = await run('import', DIRTY, '--strict', '--source', 'strict');
  expect(strict.code).toBe(1);
  expect(strict.stderr).toContain('Nothing was changed');
  expect(await runsOf('strict')).toEqual([]);
});

it('never asks where nobody sits, and takes the priority that is given', async () => {
  const file = work.path('issues.jsonl');
  await writeFile(
    file,
    '{"id":"x-1","title":"One","status":"open","issue_type":"task","created_at":"2026-01-01T00:00:00Z"}\n',
  );
  const priorityOf = async (source: string, ...args: string[]) => {
    expect((await run('import', file, '--format', 'beads', '--source', source, ...args)).code).toBe(0);
    return (await work.engine.listTasks({ source })).tasks[0]?.priority;
  };
  expect(await priorityOf('silent')).toBe('MEDIUM');
  expect(await priorityOf('said', '--missing-priority', 'CRITICAL')).toBe('CRITICAL');
});

it('changes nothing in a dry run, and nothing for a plan with a cycle or an unknown orchestrator', async () => {
  const file = await writePlan([{ id: 'a', title: 'A' }], 'Dry');
  const dry = await json('import', file, '--dry-run');
  expect(dry).toMatchObject({
    dryRun: true,
    result: { run: null, created: [{ sourceId: 'a', taskId: null }] },
  });
  for (const [name, message] of [
    ['cycle.yaml', 'CYCLE'],
    ['binary.yaml', 'FILE_BINARY'],
    ['empty.yaml', 'FILE_EMPTY'],
    ['unknown-dependency.json', 'DEPENDENCY_UNKNOWN'],
  ] as const) {
    const bad = await run('import', fixture(name));
    expect(bad.code).toBe(1);
    expect(bad.stderr).toContain(message);
    expect(bad.stderr).toContain(`${name}:`);
    const asJson = await run('import', fixture(name), '--json');
    expect(JSON.parse(asJson.stdout)).toMatchObject({ ok: false, counts: { severities: { error: 1 } } });
    expect(JSON.parse(asJson.stderr)).toMatchObject({ error: { code: 'PLAN_INVALID' } });
  }
  const nobody = await run('import', file, '--orchestrator', 'Nobody');
  expect(nobody.code).toBe(3);
  expect(nobody.stderr).toContain('There is no orchestrator "Nobody"');
  expect((await run('import', file, '--channel', 'nowhere')).code).toBe(3);
  expect((await run('import', file, '--due', 'tomorrow')).code).toBe(2);
  expect(await runsOf('Dry')).toEqual([]);
  const alone = await runNeolith(['import', file, '--dry-run', '--json'], { NEOLITH_HOME: work.directory });
  expect(JSON.parse(alone.stdout)).toMatchObject({ ok: true, result: null });
});

it('says which plan is too large for a run, and stores nothing of it', async () => {
  const file = await writePlan(
    Array.from({ length: 20_001 }, (_, index) => ({ id: `t${index}`, title: `Task ${index}` })),
    'Too large',
  );
  const { code, stderr } = await run('import', file);
  expect(code).toBe(1);
  expect(stderr).toContain('The plan has 20001 tasks, and a run holds at most 20000. Split it');
  expect(await runsOf('Too large')).toEqual([]);
});

it('imports a folder, its files by their place in it', async () => {
  const folder = work.path('backlog/tasks');
  await mkdir(folder, { recursive: true });
  const task = (id: number, more: string) =>
    `---\nid: task-${id}\ntitle: Task ${id}\nstatus: To Do\nassignee: []\ncreated_date: '2026-01-01'\nlabels: []\n${more}---\n\n## Description\n\nDo it.\n`;
  await writeFile(`${folder}/task-1 - One.md`, task(1, 'dependencies: []\n'));
  await writeFile(`${folder}/task-2 - Two.md`, task(2, 'dependencies:\n  - task-1\n'));
  await mkdir(work.path('backlog/node_modules/x'), { recursive: true });
  await writeFile(work.path('backlog/node_modules/x/README.md'), '# Not ours');
  const stored = await json('import', work.path('backlog'), '--source', 'folder');
  expect(stored).toMatchObject({
    format: 'backlog-md',
    result: { run: { counts: { todo: 1, blocked: 1 } } },
  });
  expect(JSON.stringify(stored.problems)).not.toContain('node_modules');
  expect((await json('import', work.path('backlog'), '--source', 'folder')).result.unchanged).toBe(2);
});

it('refuses new tasks for a run that is over, as a conflict', async () => {
  const file = await writePlan([{ id: 'a', title: 'A', status: 'done' }], 'Over');
  const { result } = await json('import', file, '--start');
  expect(result.run.status).toBe('SUCCEEDED');
  await writePlan(
    [
      { id: 'a', title: 'A', status: 'done' },
      { id: 'b', title: 'B' },
    ],
    'Over',
  );
  const { code, stderr } = await run('import', file);
  expect(code).toBe(4);
  expect(stderr).toContain('reset the run');
});

import { afterEach, expect, test } from 'vitest';
import type { NewTask, PlanImport } from '../src/index.js';
import { createFixture } from './support/engineFixture.js';
import { claimAll, expectNoDrift } from './support/runs.js';

const fixture = createFixture();
let sources = 0;

afterEach(async () => {
  fixture.clock.now = null;
  await expectNoDrift(fixture);
});

const tasks: NewTask[] = [
  { sourceId: '1', title: 'One', metadata: { b: 1, a: { y: [1], x: null } }, tags: ['t'] },
  { sourceId: '2', title: 'Two', dependsOn: ['1'], parentId: '1', dueAt: new Date('2030-01-01T00:00:00Z') },
  { sourceId: '3', title: 'Three', dependsOn: ['1', '2'] },
];

async function plan(overrides: Partial<PlanImport> = {}): Promise<PlanImport> {
  sources += 1;
  const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 10 });
  return { name: 'Plan', source: `source ${sources}`, orchestratorId: orchestrator.id, tasks, ...overrides };
}

test('a plan is stored once; the same plan again changes nothing', async () => {
  const { engine } = fixture;
  const given = await plan();
  const first = await engine.importPlan(given);
  expect(first).toMatchObject({ dryRun: false, unchanged: 0, updated: [], removed: [], refused: [] });
  expect(first.created.map(({ sourceId }) => sourceId)).toEqual(['1', '2', '3']);
  expect(first.run).toMatchObject({
    status: 'PENDING',
    source: given.source,
    counts: { todo: 1, blocked: 2 },
  });
  const before = await engine.getRunHistory(first.run?.id as string, { limit: 500 });
  const again = await engine.importPlan(given);
  expect(again).toMatchObject({ created: [], updated: [], removed: [], refused: [], unchanged: 3 });
  expect(again.run?.id).toBe(first.run?.id);
  expect((await engine.getRunHistory(first.run?.id as string, { limit: 500 })).events).toHaveLength(
    before.events.length,
  );
});

test('what changed is brought up to date, what is new is created, what is gone is reported and left', async () => {
  const { engine } = fixture;
  const given = await plan();
  const first = await engine.importPlan(given);
  const changed = await engine.importPlan({
    ...given,
    tasks: [
      { ...(tasks[0] as NewTask), title: 'One, better', priority: 'HIGH' },
      { ...(tasks[2] as NewTask), dependsOn: ['1', '4'] },
      { sourceId: '4', title: 'Four', dependsOn: ['1'] },
    ],
  });
  expect(changed.updated.map(({ sourceId, changes }) => [sourceId, changes])).toEqual([
    ['1', ['title', 'priority']],
    ['3', ['dependsOn']],
  ]);
  expect(changed.created.map(({ sourceId }) => sourceId)).toEqual(['4']);
  expect(changed.removed.map(({ sourceId }) => sourceId)).toEqual(['2']);
  const idOf = (sourceId: string) =>
    [...first.created, ...changed.created].find((task) => task.sourceId === sourceId)?.taskId as string;
  const three = await engine.getTask(idOf('3'));
  expect(three.prerequisites.map(({ id }) => id).toSorted()).toEqual([idOf('1'), idOf('4')].toSorted());
  expect(three.wave).toBe(2);
  expect((await engine.getTask(idOf('2'))).status).toBe('BLOCKED');
});

test('a dry run says exactly what would happen, and changes nothing', async () => {
  const { engine } = fixture;
  const given = await plan();
  const dry = await engine.importPlan({ ...given, dryRun: true });
  expect(dry).toMatchObject({ dryRun: true, run: null });
  expect(dry.created.map(({ taskId, sourceId }) => [taskId, sourceId])).toEqual([
    [null, '1'],
    [null, '2'],
    [null, '3'],
  ]);
  expect((await engine.listRuns({ source: given.source })).runs).toEqual([]);
  expect((await engine.listTasks({ source: given.source })).tasks).toEqual([]);
  const real = await engine.importPlan(given);
  const other = { ...given, tasks: [{ ...(tasks[0] as NewTask), title: 'Other' }] };
  const dryAgain = await engine.importPlan({ ...other, dryRun: true });
  const realAgain = await engine.importPlan(other);
  expect({ ...dryAgain, run: null, dryRun: false }).toEqual({ ...realAgain, run: null });
  expect(real.run?.id).toBe(realAgain.run?.id);
});

test('tasks that have begun keep their dependencies and their status; the import says so and does the rest', async () => {
  const { engine } = fixture;
  const given = await plan({ start: true });
  const { run } = await engine.importPlan(given);
  expect(run?.status).toBe('RUNNING');
  const [one] = await claimAll(fixture, given.orchestratorId as string, run?.id as string);
  const result = await engine.importPlan({
    ...given,
    tasks: [
      { ...(tasks[0] as NewTask), dependsOn: ['3'], title: 'Renamed while it runs' },
      { ...(tasks[1] as NewTask), dependsOn: [], status: 'DONE' },
      { ...(tasks[2] as NewTask), dependsOn: [] },
    ],
  });
  expect(result.updated.map(({ sourceId, changes }) => [sourceId, changes])).toEqual([
    ['1', ['title']],
    ['2', ['dependsOn']],
    ['3', ['dependsOn']],
  ]);
  expect(result.refused.map(({ sourceId, reason }) => [sourceId, reason])).toEqual([
    ['1', 'Its dependencies stay as they are, for it is IN_PROGRESS'],
    ['2', 'The plan says that it is done; here it is BLOCKED. Complete or cancel it'],
  ]);
  expect((await engine.getTask(one?.taskId as string)).title).toBe('Renamed while it runs');
});

test('what progress reports added to the metadata is no difference, and is kept', async () => {
  const { engine } = fixture;
  const given = await plan({ start: true });
  const { run } = await engine.importPlan(given);
  const [one] = await claimAll(fixture, given.orchestratorId as string, run?.id as string);
  await engine.updateTaskProgress({
    taskId: one?.taskId as string,
    progress: 1,
    metadata: { tokens: 5 },
    attemptId: one?.attemptId,
  });
  expect(await engine.importPlan(given)).toMatchObject({ updated: [], unchanged: 3 });
  await engine.importPlan({
    ...given,
    tasks: [{ ...(tasks[0] as NewTask), metadata: { b: 2 } }, ...tasks.slice(1)],
  });
  expect((await engine.getTask(one?.taskId as string)).metadata).toMatchObject({ b: 2, tokens: 5 });
});

test.each([
  [
    'a cycle',
    [
      { sourceId: 'a', title: 'A', dependsOn: ['b'] },
      { sourceId: 'b', title: 'B', dependsOn: ['a'] },
    ],
    'DEPENDENCY_CYCLE',
    /a → b → a|b → a → b/,
  ],
  ['an unknown dependency', [{ sourceId: 'a', title: 'A', dependsOn: ['zzz'] }], 'TASK_NOT_FOUND', /zzz/],
  [
    'two tasks with one id',
    [
      { sourceId: 'a', title: 'A' },
      { sourceId: 'a', title: 'B' },
    ],
    'INVALID_INPUT',
    /"a"/,
  ],
  ['a task without an id', [{ title: 'A' }], 'INVALID_INPUT', /"A".*sourceId/],
  [
    'itself as a dependency',
    [{ sourceId: 'a', title: 'A', dependsOn: ['a'] }],
    'DEPENDENCY_ON_ITSELF',
    /"a"/,
  ],
])('a plan with %s is refused, and nothing of it is stored', async (_, bad, code, message) => {
  const { engine } = fixture;
  const given = await plan({ tasks: bad });
  await expect(engine.importPlan(given)).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message),
  });
  expect((await engine.listRuns({ source: given.source })).runs).toEqual([]);
  expect((await engine.listTasks({ source: given.source })).tasks).toEqual([]);
});

test('a cycle that an update would make is refused with its path, and nothing is changed', async () => {
  const { engine } = fixture;
  const given = await plan();
  const { run } = await engine.importPlan(given);
  await expect(
    engine.importPlan({
      ...given,
      tasks: [{ ...(tasks[0] as NewTask), title: 'Changed', dependsOn: ['3'] }, ...tasks.slice(1)],
    }),
  ).rejects.toMatchObject({ code: 'DEPENDENCY_CYCLE' });
  const titles = (await engine.listTasks({ runId: run?.id as string })).tasks.map(({ title }) => title);
  expect(titles).toContain('One');
});

test('two imports of one new source at once make one run', async () => {
  const given = await plan();
  const engines = fixture.others(4, 1);
  const results = await Promise.all(engines.map((engine) => engine.importPlan(given)));
  expect(new Set(results.map(({ run }) => run?.id)).size).toBe(1);
  expect(results.filter(({ created }) => created.length === 3)).toHaveLength(1);
});

test('new tasks do not get into a run that has ended', async () => {
  const { engine } = fixture;
  const given = await plan({ start: true });
  const { run } = await engine.importPlan(given);
  while ((await engine.executeStep(run?.id as string, () => 1)) !== null);
  expect(await engine.importPlan(given)).toMatchObject({ unchanged: 3, run: { status: 'SUCCEEDED' } });
  await expect(
    engine.importPlan({ ...given, tasks: [...tasks, { sourceId: '9', title: 'Late' }] }),
  ).rejects.toMatchObject({ code: 'RUN_ENDED' });
});

test('the settings that a plan does not name stay as they were set since', async () => {
  const { engine } = fixture;
  const given = await plan({ config: { maxConcurrentTasks: 7 } });
  const { run } = await engine.importPlan(given);
  await engine.updateRunConfig(run?.id as string, { mergeStage: true, failureThreshold: { rate: 0.9 } });
  const again = await engine.importPlan({ ...given, config: { maxConcurrentTasks: 8 } });
  expect(again.run?.config).toMatchObject({
    maxConcurrentTasks: 8,
    mergeStage: true,
    failureThreshold: { consecutive: 5, rate: 0.9, minAttempts: 10 },
  });
});

test('a run of 5,000 tasks is created within one transaction, and its due date is inherited', async () => {
  const { engine } = fixture;
  const dueAt = new Date('2031-01-01T00:00:00Z');
  const { run } = await engine.importPlan(
    await plan({
      dueAt,
      tasks: Array.from({ length: 5_000 }, (_, n) => ({
        sourceId: `${n}`,
        title: `Task ${n}`,
        dependsOn: n === 0 ? [] : [`${n - 1}`, ...(n > 10 ? [`${n - 10}`] : [])],
      })),
    }),
  );
  expect(run?.counts).toMatchObject({ total: 5_000, todo: 1, blocked: 4_999 });
  const { tasks: page } = await engine.listTasks({ runId: run?.id as string, limit: 1 });
  expect(page[0]).toMatchObject({ wave: 4_999, dueAt });
});

test('a plan of 20,100 tasks, more than one statement takes, is stored whole, also where a parent comes last', async () => {
  const { engine } = fixture;
  const total = 20_100;
  const { run, created } = await engine.importPlan(
    await plan({
      tasks: Array.from({ length: total }, (_, n) => ({
        sourceId: `${n}`,
        title: `Task ${n}`,
        // Back to front: what a task depends on comes after it.
        dependsOn: n === total - 1 ? [] : [`${total - 1}`],
        parentId: n === 0 ? `${total - 1}` : null,
      })),
    }),
  );
  expect(created).toHaveLength(total);
  expect(run?.counts).toMatchObject({ total, todo: 1, blocked: total - 1 });
  const first = await engine.getTask(created[0]?.taskId as string);
  expect(first).toMatchObject({ wave: 1, parentId: created[total - 1]?.taskId });
  expect(first.prerequisites.map(({ title }) => title)).toEqual([`Task ${total - 1}`]);
});

test('other parents are taken over, a circle of them is not, and who was given a task since keeps it', async () => {
  const { engine } = fixture;
  const given = await plan({ orchestratorId: null });
  const { created } = await engine.importPlan(given);
  const idOf = (sourceId: string) => created.find((task) => task.sourceId === sourceId)?.taskId as string;
  const somebody = await fixture.orchestrator();
  await engine.updateTask(idOf('1'), { orchestratorId: somebody.id });
  const moved = await engine.importPlan({
    ...given,
    tasks: [
      tasks[0] as NewTask,
      { ...(tasks[1] as NewTask), parentId: null },
      { ...(tasks[2] as NewTask), parentId: '1' },
    ],
  });
  expect(moved.updated.map(({ sourceId, changes }) => [sourceId, changes])).toEqual([
    ['2', ['parentId']],
    ['3', ['parentId']],
  ]);
  expect((await engine.getTask(idOf('3'))).parentId).toBe(idOf('1'));
  expect((await engine.getTask(idOf('1'))).orchestratorId).toBe(somebody.id);
  await expect(
    engine.importPlan({
      ...given,
      tasks: [{ ...(tasks[0] as NewTask), parentId: '2' }, ...tasks.slice(1)],
    }),
  ).rejects.toMatchObject({ code: 'INVALID_INPUT', message: expect.stringMatching(/one another's parents/) });
});

test('a dry run of a plan that replaces every task still names the run', async () => {
  const { engine } = fixture;
  const given = await plan();
  const { run } = await engine.importPlan(given);
  const dry = await engine.importPlan({ ...given, dryRun: true, tasks: [{ sourceId: 'new', title: 'New' }] });
  expect(dry.run?.id).toBe(run?.id);
  expect(dry.removed).toHaveLength(3);
});

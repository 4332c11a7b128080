import { beforeEach, describe, expect, test } from 'vitest';
import { createWorkEngine } from '../src/createWorkEngine.js';
import type { NewTask, OrchestratorDetail } from '../src/index.js';
import { createFixture } from './support/engineFixture.js';
import { refusal } from './support/history.js';

const fixture = createFixture();
let orchestrator: OrchestratorDetail;
beforeEach(async () => {
  orchestrator = await fixture.orchestrator();
});

const count = async () => {
  const { rows } = await fixture.test.database.pool.query<{ n: number }>(
    'SELECT (SELECT count(*) FROM tasks) + (SELECT count(*) FROM task_dependencies) + (SELECT count(*) FROM events) AS n',
  );
  return Number(rows[0]?.n);
};
const NOBODY = '0198f1c2-0000-7000-8000-000000000000';

describe('creating tasks', () => {
  test('fills the defaults', async () => {
    const task = await fixture.engine.createTask({ title: 'A task' });
    expect(task).toMatchObject({
      title: 'A task',
      description: '',
      status: 'TODO',
      priority: 'MEDIUM',
      orchestratorId: null,
      maxAttempts: 3,
      tags: [],
      metadata: {},
      progress: 0,
      attemptCount: 0,
    });
    expect(task.id).toMatch(/^task_[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(await fixture.engine.createTasks([])).toEqual([]);
  });

  test('names others by key and by id, parents too, and keeps the order given', async () => {
    const existing = await fixture.task(orchestrator);
    const done = await fixture.engine.createTask({ title: 'done before', status: 'DONE' });
    const tasks = await fixture.engine.createTasks([
      { key: 'epic', title: 'Epic' },
      { key: 'b', title: 'B', dependsOn: ['a', existing.id], parentId: 'epic' },
      { key: 'a', title: 'A', dependsOn: [done.id], parentId: existing.id },
      { title: 'C', dependsOn: ['finished'] },
      { key: 'finished', title: 'Finished', status: 'DONE' },
      { title: 'Dropped', status: 'CANCELLED', dependsOn: ['a'] },
    ]);
    expect(tasks.map(({ title, status }) => [title, status])).toEqual([
      ['Epic', 'TODO'],
      ['B', 'BLOCKED'],
      ['A', 'TODO'],
      ['C', 'TODO'],
      ['Finished', 'DONE'],
      ['Dropped', 'CANCELLED'],
    ]);
    expect(tasks[1]?.parentId).toBe(tasks[0]?.id);
    expect(tasks[2]?.parentId).toBe(existing.id);
    expect(tasks[4]).toMatchObject({ progress: 100, finishedAt: expect.any(Date) });
    expect(
      (await fixture.engine.getTask(tasks[1]?.id as string)).waitsFor.map(({ id }) => id).sort(),
    ).toEqual([existing.id, tasks[2]?.id].sort());
    expect((await fixture.engine.recalculateAllStatuses()).repaired).toEqual([]);
  });

  const refused: [name: string, tasks: () => NewTask[] | Promise<NewTask[]>, code: string, words: string][] =
    [
      ['no title', () => [{ title: '' }], 'INVALID_INPUT', 'Task 2 is not valid: tasks.1.title'],
      [
        'an unknown field',
        () => [{ title: 'a', colour: 'red' } as never],
        'INVALID_INPUT',
        'unknown field "colour"',
      ],
      [
        'an invalid date in the second',
        () => [{ title: 'a' }, { title: 'b', dueAt: new Date(Number.NaN) }],
        'INVALID_INPUT',
        'Task 3 is not valid: tasks.2.dueAt',
      ],
      ['NUL in a title', () => [{ title: 'a\0' }], 'INVALID_INPUT', 'NUL'],
      [
        'a description over 100 KB',
        () => [{ title: 'a', description: 'é'.repeat(60_000) }],
        'INVALID_INPUT',
        '100 KB',
      ],
      ['source without id', () => [{ title: 'a', source: 's' }], 'INVALID_INPUT', 'sourceId'],
      [
        'one key twice',
        () => [
          { key: 'k', title: 'a' },
          { key: 'k', title: 'b' },
        ],
        'INVALID_INPUT',
        '"k"',
      ],
      ['its own parent', () => [{ key: 'k', title: 'a', parentId: 'k' }], 'INVALID_INPUT', 'parent'],
      [
        'parents of one another',
        () => [
          { key: 'a', title: 'a', parentId: 'b' },
          { key: 'b', title: 'b', parentId: 'a' },
        ],
        'INVALID_INPUT',
        'a → b → a',
      ],
      [
        'a dependency on itself',
        () => [{ key: 'k', title: 'a', dependsOn: ['k'] }],
        'DEPENDENCY_ON_ITSELF',
        '"k"',
      ],
      [
        'one dependency twice',
        () => [
          { key: 'k', title: 'a' },
          { title: 'b', dependsOn: ['k', 'k'] },
        ],
        'DUPLICATE_DEPENDENCY',
        'k',
      ],
      [
        'a cycle',
        () => [
          { key: 'a', title: 'A', dependsOn: ['c'] },
          { key: 'b', title: 'B', dependsOn: ['a'] },
          { key: 'c', title: 'C', dependsOn: ['b'] },
        ],
        'DEPENDENCY_CYCLE',
        'a → c → b → a',
      ],
      ['an unknown key', () => [{ title: 'a', dependsOn: ['nope'] }], 'TASK_NOT_FOUND', 'nope'],
      ['an unknown id', () => [{ title: 'a', dependsOn: [`task_${NOBODY}`] }], 'TASK_NOT_FOUND', NOBODY],
      ['an unknown parent', () => [{ title: 'a', parentId: `task_${NOBODY}` }], 'TASK_NOT_FOUND', NOBODY],
      [
        'an unknown orchestrator',
        () => [{ title: 'a', orchestratorId: `orch_${NOBODY}` }],
        'ORCHESTRATOR_NOT_FOUND',
        NOBODY,
      ],
      [
        'what is no orchestrator id',
        () => [{ title: 'a', orchestratorId: 'Ada' }],
        'ORCHESTRATOR_NOT_FOUND',
        'Ada',
      ],
      [
        'an unknown channel',
        () => [{ title: 'a', channelId: `chan_${NOBODY}` }],
        'CHANNEL_NOT_FOUND',
        NOBODY,
      ],
      [
        'one source id twice',
        () => [
          { title: 'a', source: 's', sourceId: '1' },
          { title: 'b', source: 's', sourceId: '1' },
        ],
        'DUPLICATE_SOURCE_ID',
        'source',
      ],
      [
        'a foreign prerequisite',
        async () => [{ title: 'a', dependsOn: [(await fixture.foreign()).task.id] }],
        'TASK_NOT_FOUND',
        'task_',
      ],
      [
        'a foreign orchestrator',
        async () => [{ title: 'a', orchestratorId: (await fixture.foreign()).orchestrator.id }],
        'ORCHESTRATOR_NOT_FOUND',
        'orch_',
      ],
    ];
  test.each(refused)('%s: refused, and nothing is made', async (_, tasks, code, words) => {
    const given = await tasks();
    const before = await count();
    const error = await refusal(
      fixture.engine.createTasks([{ title: 'fine', orchestratorId: orchestrator.id }, ...given]),
    );
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
    expect(await count()).toBe(before);
  });

  test('a source id that exists already is refused, in another workspace it is another', async () => {
    const task = { title: 'a', source: 'plan', sourceId: '7' };
    await fixture.engine.createTask(task);
    expect((await refusal(fixture.engine.createTask(task))).code).toBe('DUPLICATE_SOURCE_ID');
    const foreign = await fixture.foreign();
    expect((await foreign.engine.createTask(task)).source).toBe('plan');
  });

  test('needs to know the workspace: its own, that of the orchestrator, or the only one', async () => {
    const foreign = await fixture.foreign();
    const unscoped = createWorkEngine(fixture.test.database);
    expect((await refusal(unscoped.createTask({ title: 'a' }))).message).toContain(
      'engine.as({ workspaceId })',
    );
    expect(
      (await unscoped.createTask({ title: 'a', orchestratorId: foreign.orchestrator.id })).workspaceId,
    ).toBe(foreign.task.workspaceId);
    const both = [orchestrator, foreign.orchestrator].map(({ id }) => ({ title: 'a', orchestratorId: id }));
    expect((await refusal(unscoped.createTasks(both))).code).toBe('ORCHESTRATOR_NOT_FOUND');
    expect(
      (await refusal(unscoped.addDependency(foreign.task.id, (await fixture.task(orchestrator)).id))).code,
    ).toBe('DEPENDENCY_ACROSS_WORKSPACES');
    for (const call of [unscoped.listChannels, unscoped.getWorkspace])
      expect((await refusal(call())).message).toContain('several workspaces');
    const nowhere = unscoped.as({ workspaceId: `ws_${NOBODY}` });
    for (const call of [
      () => nowhere.createTask({ title: 'a' }),
      () => nowhere.createChannel({ name: 'c' }),
      () => nowhere.createOrchestrator({ name: 'n', role: 'r', discipline: 'd' }),
      () => nowhere.updateWorkspace({ name: 'n' }),
      () => nowhere.getWorkspace(),
    ])
      expect((await refusal(call())).code).toBe('WORKSPACE_NOT_FOUND');
    expect((await refusal(Promise.resolve().then(() => unscoped.as({ workspaceId: 'x' })))).code).toBe(
      'WORKSPACE_NOT_FOUND',
    );
    await unscoped.close();
  });
});

describe('orchestrators, channels, workspaces and daemons', () => {
  test.each([
    ['timeZone', { timeZone: 'Nowhere/Town' }],
    ['timeZone', { timeZone: '+01:00' }],
    ['maxConcurrentTasks', { maxConcurrentTasks: 0 }],
    ['status', { status: 'SLEEPING' as never }],
    ['name', { name: ' ' }],
  ])('a bad %s is refused at once and later', async (field, patch) => {
    for (const call of [
      () => fixture.orchestrator(patch),
      () => fixture.engine.updateOrchestrator(orchestrator.id, patch),
    ]) {
      const error = await refusal(call());
      expect(error.code).toBe('INVALID_INPUT');
      expect(error.message).toContain(field);
    }
    expect(await fixture.engine.getOrchestrator(orchestrator.id)).toEqual(orchestrator);
  });

  test('names are unique within a workspace', async () => {
    const second = await fixture.orchestrator();
    expect((await refusal(fixture.orchestrator({ name: orchestrator.name }))).code).toBe('NAME_TAKEN');
    expect(
      (await refusal(fixture.engine.updateOrchestrator(second.id, { name: orchestrator.name }))).code,
    ).toBe('NAME_TAKEN');
    await fixture.engine.createChannel({ name: 'general' });
    expect((await refusal(fixture.engine.createChannel({ name: 'general' }))).code).toBe('NAME_TAKEN');
    expect((await refusal(fixture.engine.createChannel({ name: '' }))).code).toBe('INVALID_INPUT');
    expect((await fixture.engine.listChannels()).map(({ name }) => name)).toContain('general');
    const { slug } = await fixture.engine.getWorkspace();
    expect((await refusal(fixture.engine.createWorkspace({ slug, name: 'Again' }))).code).toBe('NAME_TAKEN');
    const nameless = await refusal(fixture.engine.createWorkspace({ slug: 'nameless', name: '' }));
    expect(nameless).toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('name') });
    const names = (await fixture.engine.listOrchestrators()).map(({ name }) => name);
    expect(names).toContain(second.name);
  });

  test('a charter is changed where it is kept, and the rest of the config stays', async () => {
    const charter = { mission: 'M', vision: null, values: ['v'], expertise: [] };
    const made = await fixture.orchestrator({ charter });
    expect(made.charter).toEqual(charter);
    const uuid = made.userId.slice('user_'.length);
    const { prisma } = fixture.test.database;
    for (const config of [
      { theme: 'dark', charter: { mission: 'old', more: 1 } },
      { theme: 'dark', mission: 'old' },
      ['odd'],
      'odd',
    ]) {
      await prisma.user.update({ where: { id: uuid }, data: { config } });
      const changed = await fixture.engine.updateOrchestrator(made.id, { charter });
      expect(changed.charter).toEqual(charter);
      expect((await fixture.engine.getOrchestrator(made.id)).charter).toEqual(charter);
      const kept = (await prisma.user.findUniqueOrThrow({ where: { id: uuid } })).config;
      if (typeof config === 'object' && 'theme' in config) expect(kept).toMatchObject({ theme: 'dark' });
    }
  });

  test('weights and boosts that would break the order are refused, also by the database', async () => {
    const bad: object[] = [
      { priorityWeights: [1, 2, 3, 4] },
      { priorityWeights: [4, 3, 2, 0] },
      { priorityWeights: [4, 4, 2, 1] },
      { deadlineBoosts: [1, 2, 1, 1] },
      { deadlineBoosts: [3, 2, 1, 0.5] },
      { priorityWeights: [3, 2, 1] },
      { colour: 'red' },
    ];
    for (const patch of bad)
      expect((await refusal(fixture.engine.updateWorkspace(patch))).code).toBe('INVALID_INPUT');
    for (const text of [
      "priority_weights = '{1,2,3,4}'",
      "deadline_boosts = '{1,2,1,1}'",
      "priority_weights = '{infinity,3,2,1}'",
    ])
      await expect(fixture.test.database.pool.query(`UPDATE workspaces SET ${text}`)).rejects.toThrow(
        /violates check/,
      );
    expect(await fixture.engine.updateWorkspace({ name: 'Renamed' })).toMatchObject({
      name: 'Renamed',
      priorityWeights: [1000, 100, 10, 1],
    });
  });

  test('a daemon registers by its name, again and again, for orchestrators that exist', async () => {
    const registration = {
      name: 'mac',
      host: 'h',
      version: '1',
      slots: 2,
      orchestratorIds: [orchestrator.id],
    };
    const first = await fixture.engine.registerDaemon(registration);
    await fixture.engine.heartbeatDaemon(first.id, { state: 'DRAINING' });
    const second = await fixture.engine.registerDaemon({ ...registration, slots: 5, agents: ['shell'] });
    expect(second).toMatchObject({ id: first.id, slots: 5, agents: ['shell'], state: 'ACTIVE' });
    expect((await refusal(fixture.engine.registerDaemon({ ...registration, slots: 0 }))).code).toBe(
      'INVALID_INPUT',
    );
    expect(
      (await refusal(fixture.engine.registerDaemon({ ...registration, orchestratorIds: [`orch_${NOBODY}`] })))
        .code,
    ).toBe('ORCHESTRATOR_NOT_FOUND');
    await fixture.task(orchestrator);
    const { claims } = await fixture.engine.claimNextTask(orchestrator.id, {
      daemonId: first.id,
      agent: 'shell',
    });
    expect(claims[0]?.attempt).toMatchObject({ daemonId: first.id, agent: 'shell' });
    const overview = await fixture.engine.getOverview();
    expect(overview.orchestrators.find((line) => line.orchestrator.id === orchestrator.id)?.daemonAlive).toBe(
      true,
    );
  });
});

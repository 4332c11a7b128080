import { describe, expect, test } from 'vitest';
import { type ReadPlanOptions, readPlan } from '../../src/plans/index.js';
import { findTask, listProblems, requirePlan } from './readFixture.js';

function read(value: unknown, options: ReadPlanOptions = {}, fileName = 'tasks.json') {
  return readPlan({ fileName, content: JSON.stringify(value, null, 1), options });
}

const task = (id: unknown, extra: object = {}) => ({
  id,
  title: `Task ${String(id)}`,
  status: 'pending',
  priority: 'medium',
  dependencies: [],
  ...extra,
});

describe('tasks.json of task-master', () => {
  test('the old shape is read: texts, priorities, subtasks with dotted ids', () => {
    const result = read({
      metadata: { projectName: 'Shop', version: '1' },
      tasks: [
        task(1, {
          title: ' Set up 🚀 ',
          status: 'done',
          priority: 'high',
          description: 'The ground.',
          details: 'Use\nthis.',
          testStrategy: 'Run it.',
          complexityScore: 7,
        }),
        task('2', { dependencies: [1], subtasks: [task(1), task('2.2', { dependencies: [1] })] }),
      ],
    });
    expect(listProblems(result)).toEqual([]);
    const plan = requirePlan(result);
    expect(result.format).toBe('task-master');
    expect(plan.name).toBe('Shop');
    expect(
      plan.tasks.map(({ sourceId, parentSourceId, dependsOn }) => [sourceId, parentSourceId, dependsOn]),
    ).toEqual([
      ['1', null, []],
      ['2', null, ['1', '2.1', '2.2']],
      ['2.1', '2', ['1']],
      ['2.2', '2', ['2.1', '1']],
    ]);
    expect(findTask(plan, '1')).toMatchObject({
      title: 'Set up 🚀',
      status: 'done',
      priority: 'HIGH',
      description: 'The ground.\n\n## Details\n\nUse\nthis.\n\n## Test strategy\n\nRun it.',
      metadata: { taskMaster: { complexityScore: 7 } },
      line: 7,
    });
  });

  test('every form of a dependency leads to its task; in a subtask a number is its sibling first', () => {
    const plan = requirePlan(
      read({
        tasks: [
          task(1, { subtasks: [task(1), task(2), task(3, { dependencies: [1, '2', '2.1', 3] })] }),
          task(2, { subtasks: [task(1, { dependencies: ['1.2', 5] })] }),
          task(3, { dependencies: ['2', 1.2, '#1'] }),
          task(4, { dependencies: '3, 1.3' }),
          task(5),
        ],
      }),
    );
    const written = (id: string) => {
      const { dependsOn, derivedDependsOn } = findTask(plan, id);
      return dependsOn.filter((other) => !derivedDependsOn.includes(other));
    };
    expect(written('1.3')).toEqual(['1.1', '1.2', '2.1', '3']);
    expect(written('2.1')).toEqual(['1.2', '5']);
    expect(written('3')).toEqual(['2', '1.2', '1']);
    expect(written('4')).toEqual(['3', '1.3']);
  });

  test('a circle over subtasks is named with its lines', () => {
    const result = read({
      tasks: [
        task(1, { subtasks: [task(1, { dependencies: ['2.1'] })] }),
        task(2, { subtasks: [task(1, { dependencies: ['1.1'] })] }),
      ],
    });
    expect(listProblems(result)).toEqual([
      '16:7 error CYCLE These tasks wait for one another: 1.1 (line 10) → 2.1 (line 28) → 1.1 (line 10); remove one of these dependencies.',
    ]);
  });

  test('tags are separate lists: all are read, or the one that is asked for, with ids that stay the same', () => {
    const value = {
      master: { tasks: [task(1), task(2, { dependencies: [1] })], metadata: { created: 'x' } },
      'feature-x': { tasks: [task(1), task(2, { dependencies: [1], subtasks: [task(1)] })] },
    };
    const plan = requirePlan(read(value));
    expect(plan.tasks.map(({ sourceId, dependsOn, tags }) => [sourceId, dependsOn, tags])).toEqual([
      ['1', [], []],
      ['2', ['1'], []],
      ['feature-x/1', [], ['feature-x']],
      ['feature-x/2', ['feature-x/1', 'feature-x/2.1'], ['feature-x']],
      ['feature-x/2.1', ['feature-x/1'], ['feature-x']],
    ]);
    const one = requirePlan(read(value, { tag: 'feature-x' }));
    expect(one.tasks).toEqual(
      plan.tasks.slice(2).map((same) => expect.objectContaining({ sourceId: same.sourceId })),
    );
    expect(requirePlan(read(value, { tag: 'master' })).tasks.map(({ sourceId }) => sourceId)).toEqual([
      '1',
      '2',
    ]);
    expect(listProblems(read(value, { tag: 'feature-y' }))).toEqual([
      '1:1 error LIST_UNKNOWN tasks.json has no tag "feature-y"; there are "master", "feature-x".',
    ]);
  });

  test('statuses are mapped, counted and listed', () => {
    const words = [
      'pending',
      'done',
      'completed',
      'Cancelled',
      'in-progress',
      'review',
      'deferred',
      'blocked',
      'asleep',
      '',
    ];
    const result = read({ tasks: words.map((status, index) => task(index, { status })) });
    expect(requirePlan(result).tasks.map(({ status }) => status)).toEqual([
      'open',
      'done',
      'done',
      'cancelled',
      'open',
      'open',
      'open',
      'open',
      'open',
      'open',
    ]);
    expect(result.counts.problems).toEqual({ STATUS_MAPPED: 4, STATUS_UNKNOWN: 1, STATUS_MISSING: 1 });
    expect(result.counts.source.statuses).toMatchObject({ cancelled: 1, review: 1, asleep: 1, '': 1 });
  });

  test('everything that is wrong is reported with line and column, and the rest is read', () => {
    const result = read({
      tasks: [
        task(1, { dependencies: [99, {}, '1'], priority: 'very', title: null }),
        'no task',
        task(true),
        task(1, { title: 'Again' }),
        task(2, { subtasks: 'none', details: { toString: 'trap' }, dependencies: [11] }),
        task(10, { priority: undefined }),
      ],
    });
    expect(listProblems(result)).toMatchInlineSnapshot(`
      [
        "3:3 warning TITLE_MISSING 1 has no title; its id stands in for it. Give it one.",
        "7:4 warning PRIORITY_INVALID 1 has the priority "very", which is not high, medium or low; MEDIUM is taken.",
        "9:5 warning DEPENDENCY_UNKNOWN 1 depends on 99, which is not in the plan, so this dependency can't be kept; add that task or remove the dependency.",
        "10:5 warning DEPENDENCY_INVALID A dependency of 1 is an object, not the id of a task, and is left out.",
        "11:5 warning DEPENDENCY_SELF 1 depends on itself, which can't be kept; remove the dependency.",
        "14:3 warning ROW_UNREADABLE Here stands "no task" instead of a task; it is left out.",
        "16:4 warning ROW_WITHOUT_ID A task has the "id" true and is left out; give it a number or a text of at most 200 characters.",
        "23:4 warning ID_DUPLICATE Two tasks have the id 1, in lines 3 and 22; the one in line 3 counts. Give each its own id.",
        "35:5 warning DEPENDENCY_UNKNOWN 2 depends on 11, which is not in the plan, so this dependency can't be kept; add that task or remove the dependency.",
        "37:4 warning ROW_UNREADABLE "subtasks" of 2 is no list and is left out.",
        "38:4 warning VALUE_INVALID "details" of 2 is an object, not a text; it is kept in the metadata only.",
      ]
    `);
    expect(requirePlan(result).tasks.map(({ sourceId }) => sourceId)).toEqual(['1', '2', '10']);
    expect(result.counts.missingPriorities).toBe(1);
  });

  test('a plan of our own with its version or words of ours is not taken for one of task-master', () => {
    expect(read({ version: 1, name: 'P', tasks: [task(1)] }).format).toBe('neolith');
    expect(read({ tasks: [{ id: 1, title: 'T', dependsOn: [] }] }).format).toBe('neolith');
    expect(read({ tasks: [task(1)] }, {}, 'whatever').format).toBe('task-master');
    expect(listProblems(readPlan({ fileName: 'tasks.json', content: '[]', format: 'task-master' }))).toEqual([
      '1:1 error TOP_LEVEL_INVALID tasks.json holds a list; tasks.json of task-master is one object with "tasks", or with such an object for each tag.',
    ]);
  });

  test('100,000 tasks in a tag are located in linear time', () => {
    const tasks = Array.from({ length: 100_000 }, (_, id) =>
      task(id, { dependencies: id === 0 ? [] : [id - 1] }),
    );
    const startedMs = performance.now();
    const plan = requirePlan(
      readPlan({ fileName: 'tasks.json', content: JSON.stringify({ big: { tasks } }) }),
    );
    // A moment; to look each one up among all would take minutes.
    expect(performance.now() - startedMs).toBeLessThan(60_000);
    expect(plan.tasks.at(-1)?.dependsOn).toEqual(['big/99998']);
  });
});

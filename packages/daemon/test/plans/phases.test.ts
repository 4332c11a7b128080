import { describe, expect, test } from 'vitest';
import { readPlan } from '../../src/plans/index.js';
import { findTask, listProblems, requirePlan } from './readFixture.js';

function read(plan: object) {
  const content = JSON.stringify({ version: 1, name: 'Plan', ...plan }, null, 1);
  return readPlan({ fileName: 'plan.json', content });
}

const task = (id: string, extra: object = {}) => ({ id, title: id.toUpperCase(), ...extra });

describe('phases of our own format', () => {
  test('give their tasks, and the children of those, due date, priority and tags', () => {
    const plan = requirePlan(
      read({
        defaults: { priority: 'low', due: '2027-01-01', tags: ['all'] },
        phases: [
          { id: 'outer', name: 'The Outer One', due: '2026-12-01', priority: 'high', tags: ['o'] },
          { id: 'inner', parent: 'outer', tags: ['i'] },
        ],
        tasks: [
          task('a', { phase: 'inner' }),
          task('b', { parent: 'a', priority: 'critical' }),
          task('c', { parent: 'a', due: '2026-11-01' }),
          task('d'),
        ],
      }),
    );
    const end = (day: string) => new Date(`${day}T23:59:59.999Z`);
    expect(findTask(plan, 'a')).toMatchObject({
      phase: 'inner',
      priority: 'HIGH',
      dueAt: end('2026-12-01'),
      tags: ['all', 'o', 'i', 'phase:inner'],
      metadata: { phase: 'The Outer One / inner' },
    });
    expect(findTask(plan, 'b')).toMatchObject({
      phase: 'inner',
      priority: 'CRITICAL',
      dueAt: end('2026-12-01'),
    });
    expect(findTask(plan, 'c')).toMatchObject({ priority: 'HIGH', dueAt: end('2026-11-01') });
    expect(findTask(plan, 'd')).toMatchObject({
      phase: null,
      priority: 'LOW',
      dueAt: end('2027-01-01'),
      tags: ['all'],
    });
    expect(plan.phases).toEqual([
      { id: 'outer', name: 'The Outer One', parent: null },
      { id: 'inner', name: 'inner', parent: 'outer' },
    ]);
  });

  test('what comes after a phase waits for its last tasks, also through a phase without tasks', () => {
    const result = read({
      phases: [
        { id: 'one' },
        { id: 'part', parent: 'one' },
        { id: 'empty', after: ['one'] },
        { id: 'two', after: ['empty'] },
      ],
      tasks: [
        task('a', { phase: 'one' }),
        task('b', { phase: 'one', dependsOn: ['a'] }),
        task('c', { phase: 'part' }),
        task('c1', { parent: 'c' }),
        task('x', { phase: 'two' }),
        task('x1', { parent: 'x' }),
        task('y', { phase: 'two', dependsOn: ['x'] }),
      ],
    });
    expect(listProblems(result)).toEqual([]);
    const plan = requirePlan(result);
    expect(plan.tasks.map(({ sourceId, dependsOn }) => [sourceId, dependsOn])).toEqual([
      ['a', []],
      ['b', ['a']],
      ['c', ['c1']],
      ['c1', []],
      ['x', ['x1', 'b', 'c']],
      ['x1', ['b', 'c']],
      ['y', ['x']],
    ]);
    expect(findTask(plan, 'x').derivedDependsOn).toEqual(['x1', 'b', 'c']);
    expect(result.counts.dependencies).toMatchObject({ written: 2, closesLast: 2, afterPhases: 4, total: 8 });
  });

  test('a circle of phases is an error with its path and lines, also through the phase around', () => {
    const circle = read({
      phases: [
        { id: 'one', after: ['two'] },
        { id: 'two', after: ['one'] },
      ],
      tasks: [task('a')],
    });
    expect(listProblems(circle)).toEqual([
      '7:4 error CYCLE These phases wait for one another, or lie in one another: one (line 5) → two (line 11) → one (line 5); remove one of these links.',
    ]);
    const inside = read({
      phases: [{ id: 'one' }, { id: 'part', parent: 'one', after: ['one'] }],
      tasks: [task('a')],
    });
    expect(inside.problems).toMatchObject([{ code: 'CYCLE', line: 5 }]);
    const around = read({
      phases: [
        { id: 'one', parent: 'two' },
        { id: 'two', parent: 'one' },
      ],
      tasks: [task('a')],
    });
    expect(around.problems).toMatchObject([{ code: 'CYCLE' }]);
  });

  test('a phase that is its own parent is a circle of one', () => {
    const own = read({ phases: [{ id: 'one', parent: 'one' }], tasks: [task('a', { phase: 'one' })] });
    expect(listProblems(own)).toEqual([
      '7:4 error CYCLE These phases wait for one another, or lie in one another: one (line 5) → one (line 5); remove one of these links.',
    ]);
  });

  test('an id that differs in its number is never taken for a slip of the pen', () => {
    const result = read({
      tasks: [
        task('step-1'),
        task('last', { dependsOn: ['step-2'] }),
        task('end', { dependsOn: ['stpe-1'] }),
      ],
    });
    expect(result.problems.map(({ message }) => message)).toEqual([
      expect.stringContaining('; add that task or remove the dependency.'),
      expect.stringContaining('; did you mean "step-1"?'),
    ]);
  });

  test('unknown phases are errors with their place and what may have been meant', () => {
    const result = read({
      phases: [{ id: 'build' }, { id: 'ship', after: ['biuld'], parent: 'nothing-like-it' }],
      tasks: [task('a', { phase: 'Build' })],
    });
    expect(listProblems(result)).toEqual(
      [
        '13:4 error PHASE_UNKNOWN Phase ship is part of the phase nothing-like-it, which is not in the plan; add that phase or remove this.',
        '11:5 error PHASE_UNKNOWN Phase ship comes after the phase biuld, which is not in the plan; did you mean "build"?',
        '20:4 error PHASE_UNKNOWN a belongs to the phase Build, which is not in the plan; did you mean "build"?',
      ].sort((x, y) => Number(x.split(':')[0]) - Number(y.split(':')[0])),
    );
    expect(result.plan).toBeNull();
  });

  test('a written dependency against the order of phases wins, with a warning', () => {
    const result = read({
      phases: [{ id: 'one' }, { id: 'two', after: ['one'] }],
      tasks: [
        task('a', { phase: 'one', dependsOn: ['b'] }),
        task('b', { phase: 'two' }),
        task('c', { phase: 'two' }),
      ],
    });
    expect(result.problems.map(({ code }) => code)).toEqual(['DEPENDENCY_DERIVED_DROPPED']);
    expect(requirePlan(result).tasks.map(({ dependsOn }) => dependsOn)).toEqual([['b'], [], ['a']]);
  });

  test('nothing is added where the plan says that its dependencies are complete', () => {
    const plan = requirePlan(
      read({
        dependenciesComplete: true,
        phases: [{ id: 'one' }, { id: 'two', after: ['one'] }],
        tasks: [task('a', { phase: 'one' }), task('b', { phase: 'two' }), task('b1', { parent: 'b' })],
      }),
    );
    expect(plan.tasks.map(({ dependsOn }) => dependsOn)).toEqual([[], [], []]);
  });
});

describe('run settings', () => {
  test('come with the plan', () => {
    const run = { maxConcurrentTasks: 4, waves: 'strict', failureThreshold: { consecutive: 3, rate: 0.5 } };
    expect(requirePlan(read({ run, tasks: [task('a')] })).run).toEqual(run);
    expect(requirePlan(read({ tasks: [task('a')] })).run).toBeNull();
  });

  test('that are wrong are named with place, field and what they must be', () => {
    const run = {
      maxConcurrentTasks: 0,
      waves: 'hard',
      concurrency: 2,
      failureThreshold: { rate: 2, min: 1 },
    };
    expect(
      listProblems(read({ run, tasks: [task('a')] })).map((line) => line.replace(/^\S+ error /, '')),
    ).toEqual([
      'FIELD_INVALID The plan: "run.maxConcurrentTasks" must be a whole number from 1 to 1000, not 0.',
      'FIELD_INVALID The plan: "run.waves" must be off or strict, not "hard".',
      expect.stringContaining(
        'FIELD_UNKNOWN The plan has the unknown field "concurrency" in "run". Known are',
      ),
      'FIELD_INVALID The plan: "run.failureThreshold.rate" must be a number above 0, at most 1, not 2.',
      expect.stringContaining(
        'FIELD_UNKNOWN The plan has the unknown field "min" in "run.failureThreshold". Known are consecutive',
      ),
    ]);
  });
});

import { describe, expect, test } from 'vitest';
import { buildGraph, diagnoseGraph } from '../../src/domain/graph/index.js';

const none = { count: 0, listed: [] };

describe('the diagnosis', () => {
  const built = buildGraph([
    { id: 'mirror', dependsOn: ['mirror'] },
    { id: 'plan', dependsOn: [] },
    { id: 'build', dependsOn: ['plan', 'plan'] },
    { id: 'test', dependsOn: ['build', 'plan'] },
    { id: 'ship', dependsOn: ['test', 'licence'] },
    { id: 'tell', dependsOn: ['ship'] },
    { id: 'hen', dependsOn: ['egg'] },
    { id: 'egg', dependsOn: ['hen'] },
    { id: 'omelette', dependsOn: ['egg'] },
    { id: 'plan', dependsOn: ['tell'] },
  ]);

  test('names everything that is wrong with a plan', () => {
    expect(diagnoseGraph(built)).toEqual({
      taskCount: 9,
      edgeCount: 8,
      duplicateIds: { count: 1, listed: ['plan'] },
      danglingEdges: { count: 1, listed: [{ dependent: 'ship', prerequisite: 'licence' }] },
      selfDependencies: { count: 1, listed: ['mirror'] },
      duplicateEdges: { count: 1, listed: [{ dependent: 'build', prerequisite: 'plan' }] },
      redundantEdges: {
        count: 1,
        listed: [{ dependent: 'test', prerequisite: 'plan' }],
        uncheckedTasks: 0,
      },
      parts: {
        count: 3,
        listed: [
          { size: 5, firstTask: 'plan' },
          { size: 3, firstTask: 'hen' },
          { size: 1, firstTask: 'mirror' },
        ],
      },
      cycles: { count: 1, listed: [['hen', 'egg', 'hen']] },
      stuckTasks: {
        count: 6,
        listed: [
          { task: 'mirror', reason: 'SELF', cause: 'mirror', via: null, distance: 0 },
          { task: 'ship', reason: 'DANGLING', cause: 'ship', via: null, distance: 0 },
          { task: 'tell', reason: 'DANGLING', cause: 'ship', via: 'ship', distance: 1 },
          { task: 'hen', reason: 'CYCLE', cause: 'hen', via: null, distance: 0 },
          { task: 'egg', reason: 'CYCLE', cause: 'egg', via: null, distance: 0 },
          { task: 'omelette', reason: 'CYCLE', cause: 'egg', via: 'egg', distance: 1 },
        ],
      },
    });
  });

  test('says who waits for a failed task', () => {
    const { stuckTasks } = diagnoseGraph(built, {
      statusOf: (node) => (built.graph.ids[node] === 'plan' ? 'FAILED' : 'TODO'),
    });
    expect(stuckTasks.listed.slice(1, 4)).toEqual([
      { task: 'build', reason: 'FAILED', cause: 'plan', via: 'plan', distance: 1 },
      { task: 'test', reason: 'FAILED', cause: 'plan', via: 'plan', distance: 1 },
      { task: 'ship', reason: 'DANGLING', cause: 'ship', via: null, distance: 0 },
    ]);
  });

  test('counts all and lists as many as asked for', () => {
    const { stuckTasks, parts, cycles } = diagnoseGraph(built, { maxListed: 1 });
    expect([stuckTasks.count, stuckTasks.listed.length]).toEqual([6, 1]);
    expect(parts).toEqual({ count: 3, listed: [{ size: 5, firstTask: 'plan' }] });
    expect(cycles.listed).toHaveLength(1);
    expect(diagnoseGraph(built, { maxListed: 0 }).stuckTasks).toEqual({ count: 6, listed: [] });
  });

  test('has one cycle for each group of tasks that wait for one another, and counts when it was cut short', () => {
    const { cycles, redundantEdges } = diagnoseGraph(
      buildGraph([
        { id: 'a', dependsOn: ['b'] },
        { id: 'b', dependsOn: ['c', 'd'] },
        { id: 'c', dependsOn: ['a'] },
        { id: 'd', dependsOn: ['b'] },
        { id: 'e', dependsOn: ['f', 'a'] },
        { id: 'f', dependsOn: ['e'] },
        { id: 'x', dependsOn: [] },
        { id: 'y', dependsOn: ['x'] },
        { id: 'z', dependsOn: ['y', 'x'] },
      ]),
      { reduction: { maxSteps: 0 } },
    );
    expect(cycles.listed).toEqual([
      ['b', 'd', 'b'],
      ['e', 'f', 'e'],
    ]);
    expect(redundantEdges).toEqual({ ...none, uncheckedTasks: 1 });
  });

  test('of nothing is nothing', () => {
    expect(diagnoseGraph(buildGraph([]))).toEqual({
      taskCount: 0,
      edgeCount: 0,
      duplicateIds: none,
      danglingEdges: none,
      selfDependencies: none,
      duplicateEdges: none,
      redundantEdges: { ...none, uncheckedTasks: 0 },
      parts: none,
      cycles: none,
      stuckTasks: none,
    });
  });
});

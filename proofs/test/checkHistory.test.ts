import type { EngineEvent, TaskPriority } from '@neolith/work-engine';
import { describe, expect, it } from 'vitest';
import { checkHistory, type HistoryFacts } from './checkHistory.js';

const START = Date.UTC(2026, 0, 1);
const task = (id: string, priority: TaskPriority) => ({
  id,
  priority,
  dueAt: null,
  createdAt: new Date(START),
  orchestratorId: 'o',
});

const facts: HistoryFacts = {
  tasks: [task('high', 'HIGH'), task('low', 'LOW'), task('after', 'MEDIUM')],
  prerequisitesOf: new Map([['after', ['high']]]),
  orchestrators: [{ id: 'o', maxConcurrentTasks: 2, timeZone: 'UTC' }],
  slotsOf: new Map([['d', 1]]),
};

let written = 0;
function told(
  taskId: string,
  type: EngineEvent['type'],
  from: string | null,
  to: string,
  second: number,
): EngineEvent {
  written += 1;
  return {
    cursor: `e.1.${written}`,
    type,
    workspaceId: 'w',
    taskId,
    attemptId: null,
    orchestratorId: 'o',
    daemonId: type === 'task.claimed' ? 'd' : null,
    runId: null,
    actor: 'test',
    from,
    to,
    data: null,
    at: new Date(START + second * 1_000),
  };
}
const made = (id: string, status = 'TODO') => told(id, 'task.created', null, status, 0);
const claimed = (id: string, second: number) => told(id, 'task.claimed', 'TODO', 'IN_PROGRESS', second);
const done = (id: string, second: number) => told(id, 'task.completed', 'IN_PROGRESS', 'DONE', second);
const freed = (id: string, second: number) => told(id, 'task.unblocked', 'BLOCKED', 'TODO', second);

const begin = () => [made('high'), made('low'), made('after', 'BLOCKED')];

describe('the checker of histories', () => {
  it('finds nothing in a history that keeps the rules', () => {
    const report = checkHistory(
      [
        ...begin(),
        claimed('high', 1),
        done('high', 2),
        freed('after', 2),
        claimed('after', 3),
        done('after', 4),
        claimed('low', 5),
        done('low', 6),
      ],
      facts,
    );
    expect(report).toMatchObject({ violations: [], claims: 3, done: 3, lost: 0, mostAtOnce: 1 });
    expect(report.comparisons).toBeGreaterThan(0);
  });

  it.each([
    [
      'a task that was done twice',
      () => [
        claimed('high', 1),
        done('high', 2),
        told('high', 'task.reopened', 'DONE', 'TODO', 3),
        claimed('high', 4),
        done('high', 5),
      ],
      'high was done 2 times',
    ],
    ['a task that was never done', () => [claimed('high', 1)], 'high was done 0 times'],
    [
      'a start before a prerequisite was done',
      () => [freed('after', 1), claimed('after', 2)],
      'after started while high was TODO',
    ],
    ['a claim while a better task could be had', () => [claimed('low', 1)], 'while high was before it'],
    [
      'more tasks at once than a daemon has slots',
      () => [claimed('high', 1), claimed('low', 2)],
      'd held 2 tasks of 1',
    ],
    [
      'a change from another status than it had',
      () => [done('high', 1)],
      'goes from IN_PROGRESS, but it was TODO',
    ],
  ])('finds %s', (_, happens, violation) => {
    expect(checkHistory([...begin(), ...happens()], facts).violations.join('\n')).toContain(violation);
  });

  it('finds more tasks at once than an orchestrator may have', () => {
    const narrow = { ...facts, orchestrators: [{ id: 'o', maxConcurrentTasks: 1, timeZone: 'UTC' }] };
    const events = [...begin(), claimed('high', 1), claimed('low', 2)];
    expect(checkHistory(events, narrow).violations.join('\n')).toContain('o had 2 tasks of 1 running');
  });
});

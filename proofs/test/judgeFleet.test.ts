import { expect, it } from 'vitest';
import { createHttpJournal } from '../chaos/httpJournal.js';
import { type Evidence, judge } from '../chaos/judge.js';
import { PLANNED_FAULTS, planFaults } from '../chaos/planFaults.js';

/** One run of one task: lost once, then done and merged. */
const right = (): Evidence => ({
  made: [{ id: 'run_1', titles: ['Chaos 1'] }],
  accepted: [
    { taskId: 'task_1', attemptId: 'att_2', status: 'MERGING', call: 'complete' },
    { taskId: 'task_1', attemptId: 'att_2', status: 'DONE', call: 'merged' },
  ],
  tables: {
    tasks: [{ id: 'task_1', title: 'Chaos 1', status: 'DONE', runId: 'run_1' }],
    runs: [{ id: 'run_1', status: 'SUCCEEDED' }],
    attempts: [
      { id: 'att_1', taskId: 'task_1', status: 'LOST', failureClass: null },
      { id: 'att_2', taskId: 'task_1', status: 'SUCCEEDED', failureClass: null },
    ],
    events: [
      event('run.created', null, null, 'PENDING'),
      event('task.created', 'task_1', null, 'TODO'),
      event('run.started', null, 'PENDING', 'RUNNING'),
      event('task.claimed', 'task_1', 'TODO', 'IN_PROGRESS', 'att_1'),
      event('task.lease_lost', 'task_1', 'IN_PROGRESS', 'TODO', 'att_1'),
      event('task.claimed', 'task_1', 'TODO', 'IN_PROGRESS', 'att_2'),
      event('task.code_completed', 'task_1', 'IN_PROGRESS', 'MERGING', 'att_2'),
      event('task.completed', 'task_1', 'MERGING', 'DONE', 'att_2'),
      event('run.succeeded', null, 'RUNNING', 'SUCCEEDED'),
    ],
    underWay: new Map([['leases', 0]]),
  },
  effects: new Map([['task_1', { started: ['att_1', 'att_2'], ended: ['att_2'] }]]),
  work: new Map([['task_1', 'Chaos 1 is done\n']]),
  commits: new Map([['task_1', 1]]),
});

function event(
  type: string,
  taskId: string | null,
  from: string | null,
  to: string,
  attemptId: string | null = null,
) {
  return { type, taskId, runId: 'run_1', attemptId, from, to };
}

it('finds nothing wrong where nothing is', () => {
  expect(judge(right())).toEqual([]);
});

const wrong: [string, (evidence: Evidence) => Partial<Evidence>, RegExp][] = [
  [
    'a run that vanished',
    ({ made }) => ({ made: [...made, { id: 'run_2', titles: ['Chaos 2'] }] }),
    /run_2 has the tasks ; told was Chaos 2/,
  ],
  ['a run that was made twice', () => ({ made: [] }), /run_1 is there, but nobody was told so/],
  ['work that is missing', () => ({ work: new Map() }), /The work of task_1 \(Chaos 1\) is undefined/],
  ['half of the work', () => ({ work: new Map([['task_1', 'half of it']]) }), /is "half of it"/],
  [
    'work of nobody',
    () => ({ work: new Map([...right().work, ['task_9', 'x']]) }),
    /work of task_9, which is no task/,
  ],
  ['a merge that was done twice', () => ({ commits: new Map([['task_1', 2]]) }), /merged 2 times/],
  [
    'a task that is not done',
    ({ tables }) => ({
      tables: { ...tables, tasks: tables.tasks.map((task) => ({ ...task, status: 'TODO' })) },
    }),
    /task_1 is TODO/,
  ],
  [
    'a second attempt that was accepted',
    ({ tables }) => ({
      tables: {
        ...tables,
        attempts: tables.attempts.map((attempt) => ({ ...attempt, status: 'SUCCEEDED' })),
      },
    }),
    /task_1 has 2 attempts that succeeded/,
  ],
  [
    'a second outcome of one attempt',
    ({ tables }) => ({
      tables: {
        ...tables,
        events: [...tables.events, event('task.completed', 'task_1', 'DONE', 'DONE', 'att_2')],
      },
    }),
    /att_2 of task_1 ended 2 times/,
  ],
  [
    'an attempt that never ended',
    ({ tables }) => ({ tables: { ...tables, attempts: tables.attempts.slice(1) } }),
    /att_1 was claimed and never ended/,
  ],
  [
    'an event that is missing',
    ({ tables }) => ({
      tables: { ...tables, events: tables.events.filter(({ type }) => type !== 'task.lease_lost') },
    }),
    /goes from TODO, but it was IN_PROGRESS/,
  ],
  [
    'an end that no event tells',
    ({ tables }) => ({ tables: { ...tables, events: tables.events.slice(0, -1) } }),
    /run_1 is SUCCEEDED; its events end with RUNNING/,
  ],
  ['work that no agent did', () => ({ effects: new Map() }), /no agent ever began it/],
  [
    'an agent that was started twice for one attempt',
    () => ({ effects: new Map([['task_1', { started: ['att_2', 'att_2'], ended: ['att_2'] }]]) }),
    /An attempt at task_1 was begun twice/,
  ],
  [
    'an agent of an attempt that was rolled back',
    () => ({ effects: new Map([['task_1', { started: ['att_7'], ended: ['att_7'] }]]) }),
    /An agent of att_7 worked at task_1/,
  ],
  [
    'an accepted outcome that vanished',
    ({ accepted }) => ({
      accepted: [
        ...accepted,
        { taskId: 'task_1', attemptId: 'att_3', status: 'DONE', call: 'merged' as const },
      ],
    }),
    /was answered DONE, but there is no such attempt/,
  ],
  [
    'an outcome that was accepted from a lost attempt',
    ({ accepted }) => ({
      accepted: [
        ...accepted,
        { taskId: 'task_1', attemptId: 'att_1', status: 'DONE', call: 'merged' as const },
      ],
    }),
    /was answered DONE, but the attempt is LOST/,
  ],
  [
    'a lease that is left',
    ({ tables }) => ({ tables: { ...tables, underWay: new Map([['leases', 1]]) } }),
    /1 rows are left in leases/,
  ],
];

it.each(wrong)('finds %s', (_what, change, expected) => {
  const evidence = right();
  const found = judge({ ...evidence, ...change(evidence) });
  expect(found.join('\n')).toMatch(expected);
});

it('notes answers that no server may give', () => {
  const journal = createHttpJournal();
  const answered = { method: 'POST', path: '/api/v1/x', retryAfter: undefined, request: '{}', body: '{}' };
  journal.note({ ...answered, status: 503, retryAfter: '2' });
  journal.note({ ...answered, status: 409 });
  expect(journal.problems).toEqual([]);
  journal.note({ ...answered, status: 500 });
  journal.note({ ...answered, status: 503 });
  expect(journal.problems).toEqual([
    'POST /api/v1/x was answered 500: {}',
    'POST /api/v1/x was answered 503 without Retry-After',
  ]);
});

it('notes a request that was sent twice and had two effects', () => {
  const journal = createHttpJournal();
  const run = { method: 'POST', path: '/api/v1/runs', status: 201, retryAfter: undefined, request: '{}' };
  const claim = { ...run, path: '/api/v1/orchestrators/orch_1/claim', status: 200 };
  const claims = (...ids: string[]) => JSON.stringify({ claims: ids.map((id) => ({ attempt: { id } })) });
  journal.compare({ ...run, body: '{"id":"run_1"}' }, { ...run, body: '{"id":"run_1"}' });
  journal.compare({ ...claim, body: claims() }, { ...claim, body: claims('att_1') });
  expect(journal.problems).toEqual([]);
  journal.compare({ ...run, body: '{"id":"run_1"}' }, { ...run, body: '{"id":"run_2"}' });
  journal.compare({ ...claim, body: claims('att_1') }, { ...claim, body: claims('att_2') });
  expect(journal.problems).toHaveLength(2);
});

it('plans the same faults for the same seed, and each of them in every run of a minute', () => {
  expect(planFaults(7, 60)).toEqual(planFaults(7, 60));
  expect(planFaults(8, 60)).not.toEqual(planFaults(7, 60));
  for (let seed = 0; seed < 200; seed += 1) {
    const planned = new Set(
      planFaults(seed, 60)
        .flat()
        .map(({ fault }) => fault),
    );
    expect([seed, PLANNED_FAULTS.filter((fault) => !planned.has(fault))]).toEqual([seed, []]);
    const [postgres = []] = planFaults(seed, 60);
    const gaps = postgres.slice(1).map(({ atMs }, index) => atMs - (postgres[index]?.atMs ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(5_000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(10_000);
  }
});

import { describe, expect, test } from 'vitest';
import { applyProgress } from '@/lib/applyProgress';
import { arrangeOverview, parseArrangement } from '@/lib/arrangeOverview';
import { attentionOf } from '@/lib/attention';
import type { EventJson, OrchestratorOverviewJson } from '@/lib/wire';

type Row = OrchestratorOverviewJson;
type Overrides = Omit<Partial<Row>, 'orchestrator' | 'backlog'> & {
  orchestrator?: Partial<Row['orchestrator']>;
  backlog?: Partial<Row['backlog']>;
};

function row(name: string, { orchestrator, backlog, ...rest }: Overrides = {}): Row {
  return {
    orchestrator: {
      id: `orch_${name}`,
      workspaceId: 'ws',
      userId: 'user',
      name,
      role: 'Engineer',
      discipline: 'Engineering',
      capabilities: [],
      status: 'ONLINE',
      daemonEndpoint: null,
      maxConcurrentTasks: 3,
      timeZone: 'UTC',
      createdAt: '2026-11-01T00:00:00Z',
      updatedAt: '2026-11-01T00:00:00Z',
      ...orchestrator,
    },
    daemonAlive: true,
    running: [],
    backlog: {
      total: 0,
      ready: 0,
      delayed: 0,
      blocked: 0,
      byPriority: { CRITICAL: 0, HIGH: 0, MEDIUM: 0, LOW: 0 },
      ...backlog,
    },
    successRate: null,
    averageCompletionTime: null,
    throughput: [],
    ...rest,
  };
}

const running: Row['running'] = [
  {
    task: { id: 'task_1', title: 'One', status: 'IN_PROGRESS', priority: 'HIGH' },
    attempt: {
      id: 'att_1',
      taskId: 'task_1',
      orchestratorId: 'orch_x',
      daemonId: null,
      number: 1,
      agent: null,
      status: 'RUNNING',
      claimedAt: '2026-11-20T00:00:00Z',
      endedAt: null,
      leaseExpiresAt: null,
      cancelRequestedAt: null,
      failureClass: null,
      error: null,
      metrics: null,
      usage: null,
    },
    progress: 0,
    progressMessage: null,
  },
];

const names = (rows: Row[]) => rows.map((each) => each.orchestrator.name);
const arrange = (rows: Row[], search: string) =>
  names(arrangeOverview(rows, parseArrangement(new URLSearchParams(search))));

test('what needs attention comes first, the worst before the rest, then by name', () => {
  const rows = [
    row('fine'),
    row('away', { orchestrator: { status: 'AWAY' }, backlog: { total: 1, ready: 1 } }),
    row('silent', { daemonAlive: false, backlog: { total: 1, ready: 1 } }),
    row('also fine'),
  ];
  expect(arrange(rows, '')).toEqual(['silent', 'away', 'also fine', 'fine']);
});

test('search takes every word, in name, role, discipline and capabilities', () => {
  const rows = [row('Ada', { orchestrator: { capabilities: ['Rust'] } }), row('Grace')];
  expect(arrange(rows, 'q=engineer+rust')).toEqual(['Ada']);
  expect(arrange(rows, 'q=nobody')).toEqual([]);
});

test('filters and orders', () => {
  const rows = [
    row('a', { orchestrator: { status: 'BUSY' }, running, successRate: 90 }),
    row('b', { successRate: 10, backlog: { total: 9 } }),
    row('c'),
  ];
  expect(arrange(rows, 'show=BUSY')).toEqual(['a']);
  expect(arrange(rows, 'show=working')).toEqual(['a']);
  expect(arrange(rows, 'sort=success')).toEqual(['b', 'a', 'c']);
  expect(arrange(rows, 'sort=backlog')).toEqual(['b', 'a', 'c']);
});

test('words that the address does not know are the defaults', () => {
  const parameters = new URLSearchParams('show=toString&sort=__proto__');
  expect(parseArrangement(parameters)).toEqual({ query: '', filter: 'all', sort: 'attention' });
});

describe('attention', () => {
  const texts = (each: Row) => attentionOf(each).map((attention) => attention.text);

  test('nothing to say of an orchestrator that works, or that has nothing to do', () => {
    expect(texts(row('x', { running, backlog: { total: 4, ready: 3, blocked: 1 } }))).toEqual([]);
    expect(texts(row('x', { daemonAlive: false }))).toEqual([]);
  });

  test('running work without a daemon, ready work without a daemon', () => {
    expect(texts(row('x', { daemonAlive: false, running }))).toEqual([
      '1 task running, but no daemon was heard for a minute',
    ]);
    expect(attentionOf(row('x', { daemonAlive: false, backlog: { ready: 2 } }))).toEqual([
      {
        severity: 'bad',
        text: '2 tasks ready, but no daemon serves this orchestrator',
        remedy: 'npx neolith daemon --orchestrator orch_x',
      },
    ]);
  });

  test('everything blocked, and most of it failing', () => {
    expect(texts(row('x', { backlog: { total: 2, blocked: 2 } }))).toEqual([
      'Nothing can start: all 2 open tasks are blocked',
    ]);
    const throughput = [{ date: '2026-11-20', completed: 1, failed: 4 }];
    expect(texts(row('x', { successRate: 20, throughput }))).toEqual([
      'Only 20 % of the last 7 days’ tasks succeeded',
    ]);
  });
});

test('a progress event changes the one task it is of, and nothing else', () => {
  const overview = { orchestrators: [row('x', { running }), row('y')], unassigned: 0, cursor: 'c' };
  const event: EventJson = {
    cursor: 'd',
    type: 'task.progress',
    workspaceId: 'ws',
    taskId: 'task_1',
    attemptId: 'att_1',
    orchestratorId: 'orch_x',
    daemonId: null,
    runId: null,
    actor: 'library',
    from: null,
    to: null,
    data: { progress: 40, message: 'Half way' },
    at: '2026-11-20T12:00:00Z',
  };
  const after = applyProgress(overview, event);
  expect(after.orchestrators[0]?.running[0]).toMatchObject({ progress: 40, progressMessage: 'Half way' });
  expect(after.orchestrators[1]).toBe(overview.orchestrators[1]);
  expect(applyProgress(overview, { ...event, taskId: 'task_2' })).toBe(overview);
  expect(applyProgress(overview, { ...event, type: 'task.completed' })).toBe(overview);
});

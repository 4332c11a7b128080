import type { TaskStatus } from '@neolith/contracts';
import { expect, test } from 'vitest';
import { arrangeWaves } from '@/lib/arrangeWaves';
import { parseRunListChoice, runListQuery } from '@/lib/runList';
import { applyTaskEvent, type RunShape, reshapes } from '@/lib/runPage';
import type { EventJson, RunSnapshotJson } from '@/lib/wire';

type Snapshot = Pick<RunSnapshotJson, 'tasks' | 'waves'>;

/** Waves of tasks by their statuses; ids are `wave.place`. */
function snapshot(...waves: TaskStatus[][]): Snapshot {
  const task = (id: string, status: TaskStatus, wave: number): RunSnapshotJson['tasks'][number] => ({
    id,
    title: `Task ${id}`,
    sourceId: null,
    parentId: null,
    orchestratorId: null,
    status,
    priority: 'MEDIUM',
    wave,
    progress: 0,
    estimateMinutes: null,
    dueAt: null,
    blockedReason: null,
    tags: [],
    critical: false,
    slackSeconds: 0,
  });
  return {
    tasks: waves.flatMap((wave, at) => wave.map((status, place) => task(`${at}.${place}`, status, at))),
    waves: waves.map((wave, at) => wave.map((_, place) => `${at}.${place}`)),
  };
}

test('a small run is shown whole and in its own order', () => {
  const { columns, before, after } = arrangeWaves(snapshot(['DONE', 'TODO'], ['BLOCKED']));
  expect([before, after]).toEqual([0, 0]);
  expect(columns.map(({ wave, total, tasks }) => [wave, total, tasks.map(({ id }) => id)])).toEqual([
    [0, 2, ['0.0', '0.1']],
    [1, 1, ['1.0']],
  ]);
});

test('of many waves those around the first open one are shown, and the others counted', () => {
  const waves = (open: number, length: number) =>
    snapshot(...Array.from({ length }, (_, wave): TaskStatus[] => [wave < open ? 'DONE' : 'BLOCKED']));
  const shown = (open: number, length: number) => {
    const { columns, before, after } = arrangeWaves(waves(open, length));
    return [before, columns[0]?.wave, columns.length, after];
  };
  expect(shown(0, 5_000)).toEqual([0, 0, 24, 4_976]);
  expect(shown(2_000, 5_000)).toEqual([1_999, 1_999, 24, 2_977]);
  expect(shown(4_999, 5_000)).toEqual([4_976, 4_976, 24, 0]);
  expect(shown(5_000, 5_000)).toEqual([0, 0, 24, 4_976]);
});

test('of a large wave what can still change comes first', () => {
  const wave = Array.from({ length: 1_000 }, (_, place): TaskStatus => (place < 990 ? 'DONE' : 'TODO'));
  const [column] = arrangeWaves(snapshot(wave)).columns;
  expect(column?.total).toBe(1_000);
  expect(column?.tasks).toHaveLength(40);
  expect(column?.tasks.map(({ id }) => id).slice(0, 12)).toEqual([
    ...Array.from({ length: 10 }, (_, place) => `0.${990 + place}`),
    '0.0',
    '0.1',
  ]);
});

const event = (type: EventJson['type'], rest: Partial<EventJson> = {}): EventJson => ({
  cursor: 'c',
  type,
  workspaceId: 'ws',
  taskId: '0.0',
  attemptId: null,
  orchestratorId: null,
  daemonId: null,
  runId: 'run',
  actor: 'library',
  from: null,
  to: null,
  data: null,
  at: '2026-11-20T12:00:00Z',
  ...rest,
});

test('an event changes the one task that it is of', () => {
  const shape: RunShape = {
    run: {} as RunShape['run'],
    mergeQueue: [],
    waves: arrangeWaves(snapshot(['TODO', 'TODO'], ['BLOCKED'])),
  };
  const claimed = applyTaskEvent(shape, event('task.claimed', { to: 'IN_PROGRESS' }));
  const progressed = applyTaskEvent(claimed, event('task.progress', { data: { progress: 70 } }));
  const states = progressed.waves.columns.map(({ tasks }) =>
    tasks.map((task) => [task.status, task.progress]),
  );
  expect(states).toEqual([
    [
      ['IN_PROGRESS', 70],
      ['TODO', 0],
    ],
    [['BLOCKED', 0]],
  ]);
  const told = { reason: 'No key' };
  const blocked = applyTaskEvent(progressed, event('task.blocked', { to: 'BLOCKED', data: told }));
  const first = (of: RunShape) => of.waves.columns[0]?.tasks[0];
  expect(first(blocked)).toMatchObject({ status: 'BLOCKED', blockedReason: 'No key' });
  const waiting = applyTaskEvent(
    shape,
    event('task.blocked', { to: 'BLOCKED', data: { reason: 'DEPENDENCIES' } }),
  );
  expect(first(waiting)).toMatchObject({ status: 'BLOCKED', blockedReason: null });
  const lifted = applyTaskEvent(blocked, event('task.unblocked', { to: 'TODO' }));
  expect(first(lifted)).toMatchObject({ status: 'TODO', blockedReason: null });
  expect(applyTaskEvent(shape, event('task.claimed', { taskId: 'another', to: 'IN_PROGRESS' }))).toBe(shape);
});

test('what changes the shape of a run is read anew, the state of a task is not', () => {
  expect(reshapes(event('task.claimed', { from: 'TODO', to: 'IN_PROGRESS' }))).toBe(false);
  expect(reshapes(event('task.progress'))).toBe(false);
  expect(reshapes(event('task.completed', { from: 'MERGING', to: 'DONE' }))).toBe(true);
  expect(reshapes(event('task.created', { to: 'TODO' }))).toBe(true);
  expect(reshapes(event('dependency.added'))).toBe(true);
  expect(reshapes(event('run.paused', { taskId: null, to: 'PAUSED' }))).toBe(true);
});

test('the address of the list keeps status and place; what makes no sense counts as not said', () => {
  const cursor = 'run_01990000-0000-7000-8000-000000000000';
  expect(runListQuery(parseRunListChoice({ status: 'PAUSED', cursor }))).toBe(
    `limit=50&status=PAUSED&cursor=${cursor}`,
  );
  expect(parseRunListChoice({ status: 'paused; x', cursor: '../x' })).toEqual({ status: null, cursor: null });
});

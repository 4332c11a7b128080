import type { NewTask, RunSettings } from '@neolith/contracts';
import { expect, it } from 'vitest';
import { openWorkplace } from '../../daemon/test/worker/support/workplace.js';
import { abbreviateIds, matchRun } from '../src/connection/findRun.js';
import { environmentOf } from './support/environmentOf.js';
import { runNeolith } from './support/runNeolith.js';

const work = openWorkplace();

const run = (...args: string[]) => runNeolith(args, environmentOf(work));
const json = async (...args: string[]) => JSON.parse((await run(...args, '--json')).stdout);

async function makeRun(name: string, tasks: readonly Partial<NewTask>[] = [{}], config: RunSettings = {}) {
  const orchestrator = await work.orchestrator();
  return work.engine.createRun({
    name,
    orchestratorId: orchestrator.id,
    config,
    tasks: tasks.map((task, index) => ({ key: `t${index}`, title: `${name} ${index}`, ...task })),
  });
}

it('lists the runs, all or of one status, as text and as JSON', async () => {
  expect((await run('runs', '--status', 'quarantined')).stdout).toBe('No run is quarantined.\n');
  const one = await makeRun('List one', [{}, {}]);
  const two = await makeRun('List two');
  await work.engine.startRun(two.id);
  const text = (await run('runs')).stdout;
  expect(text).toMatch(/^Run +Status +Done +Tasks +Running +Failed +Age +Name\n/);
  expect(text).toMatch(/pending +0 +2 +0 +0 +\S+ s {2}List one/);
  const { runs } = await json('runs', '--status', 'RUNNING');
  expect(runs.map(({ id }: { id: string }) => id)).toContain(two.id);
  expect(runs.map(({ id }: { id: string }) => id)).not.toContain(one.id);
  // What the list abbreviates is taken where a run is asked for.
  const short = /^(run_\S+) .*List one$/m.exec(text)?.[1] ?? '';
  expect(one.id.startsWith(short)).toBe(true);
  expect((await json('runs', 'show', short)).run.id).toBe(one.id);
});

it('shows where a run stands: counts, waves, what runs, what it waits for, when it may be over', async () => {
  const made = await makeRun('Show', [{}, { dependsOn: ['t0'] }, { estimateMinutes: 5 }], {
    maxConcurrentTasks: 1,
  });
  await work.engine.startRun(made.id);
  const { claims } = await work.engine.claimNextTask(made.orchestratorId ?? '');
  const taskId = claims[0]?.task.id ?? '';
  await work.engine.updateTaskProgress({ taskId, attemptId: claims[0]?.attempt.id, progress: 40 });
  const text = (await run('runs', 'show', 'show')).stdout;
  for (const part of [
    'Show  running',
    made.id,
    '0/3 done, 1 running, 1 ready, 1 waiting',
    '1 tasks at once, no merge stage, no waves, on failures quarantine',
    'slot(s) are taken',
    '> ',
    'Running\n  40 %',
    'eta        about',
  ])
    expect(text).toContain(part);
  const shown = await json('runs', 'show', made.id);
  expect(shown).toMatchObject({
    run: { id: made.id },
    progress: { running: [{ taskId, progress: 40 }], waveCount: 2 },
    failed: [],
  });
});

it('moves a run along its table, with the reason in its history, and refuses what the table has not', async () => {
  const made = await makeRun('Moves');
  const id = made.id;
  expect((await run('runs', 'start', 'Moves')).stdout).toContain('pending → running');
  expect((await json('runs', 'pause', id, '--reason', 'lunch')).run.status).toBe('PAUSED');
  const twice = await run('runs', 'pause', id, '--json');
  expect(twice.code).toBe(4);
  expect(JSON.parse(twice.stderr).error).toMatchObject({
    code: 'INVALID_TRANSITION',
    message: expect.stringContaining('Possible now: '),
  });
  expect((await json('runs', 'resume', id)).run.status).toBe('RUNNING');
  expect((await json('runs', 'stop', id, '--reason', 'enough')).run.status).toBe('CANCELLED');
  expect((await json('runs', 'reset', id)).run.status).toBe('PENDING');
  const history = (await run('runs', 'history', id)).stdout;
  expect(history).toMatch(/run\.paused +RUNNING → PAUSED {2}\(lunch\) {2}by /);
  expect(history).toMatch(/task\.created +Moves 0/);
  const { events } = await json('runs', 'history', id);
  expect(events.map(({ type }: { type: string }) => type)).toEqual(
    expect.arrayContaining(['run.created', 'run.started', 'run.paused', 'run.resumed', 'run.reset']),
  );
  expect((await json('runs', 'history', id, '--limit', '1')).events).toEqual(events.slice(-1));

  const sure = await run('runs', 'delete', id);
  expect(sure.code).toBe(2);
  expect(sure.stderr).toContain('Say that you mean it: --yes');
  expect(await json('runs', 'delete', id, '--yes')).toEqual({ deleted: id });
  expect((await run('runs', 'show', id)).code).toBe(3);
});

it('gives a failed run another chance, releases one in quarantine, completes what nobody can go on with', async () => {
  const failed = await makeRun('Failing', [{ maxAttempts: 1 }]);
  await work.engine.startRun(failed.id);
  const { claims } = await work.engine.claimNextTask(failed.orchestratorId ?? '');
  await work.engine.failTask(claims[0]?.task.id ?? '', { error: 'no', attemptId: claims[0]?.attempt.id });
  expect((await work.engine.getRun(failed.id)).status).toBe('FAILED');
  const shown = await run('runs', 'show', 'Failing');
  expect(shown.stdout).toContain(`Failed\n  ${claims[0]?.task.id}  Failing 0`);
  expect((await json('runs', 'retry', 'Failing')).run).toMatchObject({
    status: 'RUNNING',
    counts: { todo: 1 },
  });

  const bad = await makeRun('Quarantined', [{}, {}], { failureThreshold: { consecutive: 1 } });
  await work.engine.startRun(bad.id);
  const taken = (await work.engine.claimNextTask(bad.orchestratorId ?? '')).claims[0];
  await work.engine.failTask(taken?.task.id ?? '', { error: 'no', attemptId: taken?.attempt.id });
  const watched = await run('runs', 'watch', 'Quarantined');
  expect(watched.code).toBe(6);
  expect(watched.stdout).toContain(`neolith runs release ${bad.id}`);
  expect((await json('runs', 'release', 'Quarantined')).run.status).toBe('RUNNING');
  expect((await run('runs', 'complete', 'Quarantined')).code).toBe(4);
});

it('watches a run to its end, with events and progress as JSON lines, and the exit code of its status', async () => {
  const made = await makeRun('Watched', [{}, {}]);
  await work.engine.startRun(made.id);
  const watching = run('runs', 'watch', 'Watched', '--json');
  await work.engine.executeStep(made.id, () => 1);
  await work.engine.executeStep(made.id, () => 2);
  const { code, stdout } = await watching;
  expect(code).toBe(0);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(lines.some(({ kind }) => kind === 'progress')).toBe(true);
  expect(lines.at(-1)).toMatchObject({ kind: 'ended', run: { status: 'SUCCEEDED' }, exitCode: 0 });

  const stopped = await makeRun('Watched and stopped');
  await work.engine.startRun(stopped.id);
  await work.engine.stopRun(stopped.id);
  expect((await run('runs', 'watch', stopped.id)).code).toBe(7);
});

it('says which runs a name may mean, and that there is none', async () => {
  await makeRun('Twins');
  await makeRun('Twins');
  const { code, stderr } = await run('runs', 'pause', 'Twins', '--json');
  expect(code).toBe(4);
  expect(JSON.parse(stderr).error).toMatchObject({
    code: 'RUN_AMBIGUOUS',
    message: expect.stringMatching(/means 2 runs.*run_.*run_/),
  });
  expect((await run('runs', 'show', 'run_ffffffff')).code).toBe(3);
  expect((await run('runs', 'show', 'run_01234567-89ab-7def-8123-456789abcdef')).code).toBe(3);
});

it('finds runs by id, name, and beginning, in this order', () => {
  const runs = [
    { id: 'run_aaaa1111', name: 'Release' },
    { id: 'run_aaaa2222', name: 'release' },
    { id: 'run_bbbb3333', name: 'aaaa1' },
  ];
  const names = (wanted: string) => matchRun(runs, wanted).map(({ id }) => id);
  expect(names('run_aaaa1111')).toEqual(['run_aaaa1111']);
  expect(names('Release')).toEqual(['run_aaaa1111']);
  expect(names('RELEASE')).toEqual(['run_aaaa1111', 'run_aaaa2222']);
  expect(names('aaaa1')).toEqual(['run_bbbb3333']);
  expect(names('run_aaaa2')).toEqual(['run_aaaa2222']);
  expect(names('AAAA')).toEqual(['run_aaaa1111', 'run_aaaa2222']);
  expect(names('run_bbb')).toEqual([]);
  const short = abbreviateIds(['run_0123456789', 'run_0123456788', 'run_9']);
  expect([...short.values()].sort()).toEqual(['run_0123456788', 'run_0123456789', 'run_9']);
  expect(abbreviateIds(['run_0123456789ab']).get('run_0123456789ab')).toBe('run_01234567');
});

it('draws the graph of a run as text, Graphviz, Mermaid, plan and JSON', async () => {
  const made = await makeRun('Drawn', [{ title: 'First' }, { title: 'Second', dependsOn: ['t0'] }]);
  const text = (await run('graph', '--run', 'Drawn')).stdout;
  expect(text).toContain('Drawn: 2 tasks, 1 dependencies, 2 waves');
  expect(text).toMatch(/ +1 +1 +1 {2}First\n +2 +1 +1 {2}Second\n/);
  expect(text).toContain('Critical path: 2 tasks, 1 h at least\n  1. First\n  2. Second');
  expect((await run('graph', '--run', made.id, '--format', 'dot')).stdout).toContain('digraph "Drawn"');
  expect((await run('graph', '--run', made.id, '--format', 'mermaid')).stdout).toContain('flowchart');
  expect(JSON.parse((await run('graph', '--run', made.id, '--format', 'plan')).stdout)).toMatchObject({
    version: 1,
    name: 'Drawn',
    tasks: [{ title: 'First' }, { title: 'Second' }],
  });
  expect(await json('graph', '--run', made.id)).toMatchObject({
    run: made.id,
    graph: { waves: [[expect.any(String)], [expect.any(String)]], edges: [[1, 0]] },
  });
  expect((await run('graph', '--run', 'nowhere')).code).toBe(3);
});

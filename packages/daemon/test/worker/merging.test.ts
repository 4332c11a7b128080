import { readFileSync } from 'node:fs';
import type { NewTask, RunSettings, TaskDetail } from '@neolith/contracts';
import { expect, it } from 'vitest';
import { AgentError } from '../../src/agents/agentError.js';
import { createShellMerger } from '../../src/agents/shellMerger.js';
import { countTaken } from '../../src/worker/countTaken.js';
import { isAlive } from '../process/processes.js';
import { openWorkplace, readPidFile, until } from './support/workplace.js';

const work = openWorkplace();

const merger = (command: string) =>
  createShellMerger(
    { hostEnvironment: { ...process.env, SECRET: 'of the daemon' }, baseDirectory: work.directory },
    { command },
  );

async function staged(tasks: readonly Partial<NewTask>[], config: RunSettings = {}) {
  const orchestrator = await work.orchestrator();
  const run = await work.engine.createRun({
    name: 'Staged',
    orchestratorId: orchestrator.id,
    config: { mergeStage: true, maxConcurrentTasks: 100, ...config },
    tasks: tasks.map((task, index) => ({ title: `T${index}`, key: `t${index}`, ...task })),
  });
  await work.engine.startRun(run.id);
  const { tasks: stored } = await work.engine.listTasks({ runId: run.id, limit: 100 });
  const ids = stored.sort((a, b) => (a.title < b.title ? -1 : 1)).map(({ id }) => id);
  return { orchestrators: [orchestrator.id], runId: run.id, ids, id: ids[0] as string };
}

const typesOf = async (taskId: string) => (await work.events(taskId)).map(({ type }) => type);
/** Appends its pid, waits for the gate, which must come within the time limit of the test. */
const gated = (gate: string, pids: string) =>
  `echo $$ >> ${pids}; while [ ! -e ${gate} ]; do sleep 0.05; done`;

it('passes the merge stage at once where there is nothing to merge', async () => {
  const { orchestrators, runId, id } = await staged([{}]);
  await work.daemon({ orchestrators }).start();
  const done = await work.untilStatus(id, 'DONE');
  expect(done.result?.output).toEqual({ done: 'T0', dependencies: 0 });
  expect(await typesOf(id)).toEqual(
    expect.arrayContaining(['task.code_completed', 'task.merge_granted', 'task.completed']),
  );
  await until(async () => (await work.engine.getRun(runId)).status === 'SUCCEEDED', 'the run to end');
});

it('merges by a command with context, result and few variables, and takes over the output it names', async () => {
  const { orchestrators, ids } = await staged([{}, {}]);
  const seen = work.path('seen');
  const merge = merger(
    `cat > ${seen}.$NEOLITH_TASK_ID; env > ${seen}.env; cmp $NEOLITH_CONTEXT_FILE ${seen}.$NEOLITH_TASK_ID || exit 9
     case $NEOLITH_TASK_ID in ${ids[0]}) echo '{"commit": "abc"}' > $NEOLITH_RESULT_FILE;; *) echo merged it;; esac`,
  );
  await work.daemon({ orchestrators, merger: merge }).start();
  const [named, silent] = await Promise.all(ids.map((id) => work.untilStatus(id, 'DONE')));
  expect(named?.result?.output).toEqual({ commit: 'abc' });
  // What it merely prints is no output: that of the code stays.
  expect(silent?.result?.output).toEqual({ done: 'T1', dependencies: 0 });
  const context = JSON.parse(readFileSync(`${seen}.${ids[1]}`, 'utf8'));
  expect(context).toMatchObject({ task: { id: ids[1] }, result: { output: { done: 'T1' } } });
  const environment = readFileSync(`${seen}.env`, 'utf8');
  expect(environment).not.toContain('of the daemon');
  expect(environment).toMatch(/NEOLITH_ATTEMPT_ID=att/);
});

it('reports a failed merge with what it printed: done again, and after the second time for a person', async () => {
  const { orchestrators, id } = await staged([{}]);
  await work
    .daemon({ orchestrators, merger: merger('echo "conflict in a.ts"; echo "in b.ts" >&2; exit 4') })
    .start();
  const stuck = await work.untilStatus(id, 'BLOCKED');
  expect(stuck).toMatchObject({ mergeFailureCount: 2, failureCount: 0 });
  expect(stuck.attempts).toHaveLength(2);
  expect(stuck.attempts[0]?.error).toBe('The merge command exited with code 4.\nconflict in a.ts\nin b.ts');
});

it('ends a merge that takes too long, with everything it started', async () => {
  const { orchestrators, id } = await staged([{}]);
  const pids = work.path('pids');
  await work
    .daemon({
      orchestrators,
      mergeTimeoutMs: 300,
      merger: merger(`sleep 1000 & echo $! >> ${pids}; echo $$ >> ${pids}; wait`),
    })
    .start();
  await until(async () => (await work.engine.getTask(id)).mergeFailureCount >= 1, 'a failed merge');
  expect(
    (await work.engine.getTask(id)).attempts.some(({ error }) => error?.includes('time limit of 0.3 s')),
  ).toBe(true);
  await work.untilStatus(id, 'BLOCKED');
  expect(readPidFile(pids).length).toBe(4);
  expect(readPidFile(pids).filter(isAlive)).toEqual([]);
});

it('frees the slot for the next task while merges wait, but gathers no more merges than it may', async () => {
  const { orchestrators, runId, ids } = await staged([{}, {}, {}, {}, {}, {}]);
  const gate = work.path('gate');
  const pids = work.path('pids');
  const daemon = work.daemon({
    orchestrators,
    slots: 1,
    mergesAside: 2,
    leaseSeconds: 1,
    merger: merger(gated(gate, pids)),
  });
  await daemon.start();
  const counts = async () => (await work.engine.getRun(runId)).counts;
  await until(async () => (await counts()).merging === 3, 'three merges');
  await until(() => readPidFile(pids).length === 1, 'the first merge to run');
  // Two stand aside, the third takes the only slot: nothing more may begin.
  const callsOf = (wanted: string) => work.server.calls.filter(({ name }) => name === wanted).length;
  const [claims, beats] = [callsOf('claimTasks'), callsOf('daemonHeartbeat')];
  await until(() => callsOf('daemonHeartbeat') >= beats + 3, 'three heartbeats');
  expect(callsOf('claimTasks')).toBe(claims);
  expect(await counts()).toMatchObject({ merging: 3, todo: 3, inProgress: 0 });
  expect(readPidFile(pids)).toHaveLength(1);
  await work.open(gate);
  for (const id of ids) await work.untilStatus(id, 'DONE');
  expect((await work.engine.recalculateAllStatuses()).repaired).toEqual([]);
});

it('keeps the lease of what waits for its merge', async () => {
  const { orchestrators, id } = await staged([{}]);
  const gate = work.path('gate');
  const pids = work.path('pids');
  await work.daemon({ orchestrators, leaseSeconds: 1, merger: merger(gated(gate, pids)) }).start();
  await until(() => readPidFile(pids).length === 1, 'the merge');
  const first = (await work.engine.getTask(id)).attempts[0]?.leaseExpiresAt?.getTime() ?? 0;
  await until(async () => {
    await work.engine.sweepExpiredLeases();
    return ((await work.engine.getTask(id)).attempts[0]?.leaseExpiresAt?.getTime() ?? 0) > first + 2_000;
  }, 'the lease to be renewed');
  await work.open(gate);
  expect(await work.untilStatus(id, 'DONE')).toMatchObject({ attemptCount: 1, lostCount: 0 });
});

it('cancelled while it waits for its turn it is cancelled; once it merges that is refused', async () => {
  const { orchestrators, ids } = await staged([{}, {}]);
  const gate = work.path('gate');
  const pids = work.path('pids');
  await work.daemon({ orchestrators, merger: merger(gated(gate, pids)) }).start();
  await until(() => readPidFile(pids).length === 1, 'the first merge');
  let waiting: TaskDetail | undefined;
  await until(async () => {
    const all = await Promise.all(ids.map((id) => work.engine.getTask(id)));
    const granted = await Promise.all(
      ids.map(async (id) => (await typesOf(id)).includes('task.merge_granted')),
    );
    waiting = all.find((task, index) => task.status === 'MERGING' && !granted[index]);
    return waiting !== undefined;
  }, 'one that waits');
  const merging = ids.find((id) => id !== waiting?.id) as string;
  await expect(work.engine.cancelTask(merging)).rejects.toMatchObject({ code: 'MERGE_STARTED' });
  await work.engine.cancelTask(waiting?.id ?? '');
  await work.untilStatus(waiting?.id ?? '', 'CANCELLED');
  await until(() => work.log().includes('Ended, cancelled'), 'the daemon to know');
  await work.open(gate);
  await work.untilStatus(merging, 'DONE');
});

it('lets merges finish in a drain; at its end they are given back, whether they wait or run', async () => {
  const { orchestrators, ids } = await staged([{}, {}]);
  const gate = work.path('gate');
  const pids = work.path('pids');
  const daemon = work.daemon({ orchestrators, merger: merger(gated(gate, pids)) });
  await daemon.start();
  await until(
    async () => (await work.engine.listTasks({ status: 'MERGING', limit: 10 })).tasks.length === 2,
    'two merges',
  );
  await until(() => readPidFile(pids).length === 1, 'the first to run');
  expect((await daemon.stop()).results).toMatchObject({ released: 2, completed: 0 });
  expect(readPidFile(pids).filter(isAlive)).toEqual([]);
  for (const id of ids) {
    expect(await work.engine.getTask(id)).toMatchObject({ status: 'TODO', failureCount: 0, lostCount: 0 });
  }
  const second = work.daemon({ orchestrators, merger: merger(gated(gate, pids)) });
  await second.start();
  await until(() => readPidFile(pids).length === 2, 'a merge of the second daemon');
  await until(
    async () => (await work.engine.listTasks({ status: 'MERGING', limit: 10 })).tasks.length === 2,
    'two merges again',
  );
  const drained = second.drain();
  await until(() => work.log().split('Draining').length === 3, 'the drain');
  await work.open(gate);
  expect((await drained).results).toMatchObject({ completed: 2, released: 0 });
});

it('asks again through a server that is away, and merges once', async () => {
  const { orchestrators, id } = await staged([{}]);
  const merged = work.path('merged');
  let faults = 0;
  work.server.fault = ({ name }) => {
    if (!['requestMerge', 'completeMerge'].includes(name) || faults >= 4) return null;
    faults += 1;
    return { kind: 'lose_answer' };
  };
  await work.daemon({ orchestrators, merger: merger(`echo once >> ${merged}`) }).start();
  await work.untilStatus(id, 'DONE');
  expect(faults).toBe(4);
  expect(readFileSync(merged, 'utf8')).toBe('once\n');
});

it('leaves the output of a merge out where the server refuses it: merged is merged', async () => {
  const { orchestrators, id } = await staged([{}]);
  work.server.fault = ({ name, body }) =>
    name === 'completeMerge' && body.output !== undefined ? { kind: 'answer', status: 422 } : null;
  await work
    .daemon({ orchestrators, merger: merger(`echo '{"commit": "abc"}' > $NEOLITH_RESULT_FILE`) })
    .start();
  const done = await work.untilStatus(id, 'DONE');
  expect(done.result?.output).toEqual({ done: 'T0', dependencies: 0 });
});

it('claims only what its criteria let through', async () => {
  const one = await staged([{}]);
  const other = await work.engine.createTask({
    title: 'Of no run',
    orchestratorId: one.orchestrators[0] ?? '',
  });
  await work.daemon({ orchestrators: one.orchestrators, criteria: { runId: one.runId } }).start();
  await work.untilStatus(one.id, 'DONE');
  await until(
    () =>
      work.server.calls.filter(({ name, body }) => name === 'claimTasks' && body.waitSeconds > 0).length > 0,
    'a claim that waits',
  );
  expect((await work.engine.getTask(other.id)).status).toBe('TODO');
});

it('counts what takes a slot: what works, and merges beyond those that may stand aside', () => {
  const attempts = (working: number, merging: number) => [
    ...Array.from({ length: working }, () => ({ holdsSlot: () => true })),
    ...Array.from({ length: merging }, () => ({ holdsSlot: () => false })),
  ];
  expect(countTaken(attempts(2, 0), 3)).toBe(2);
  expect(countTaken(attempts(2, 3), 3)).toBe(2);
  expect(countTaken(attempts(2, 5), 3)).toBe(4);
  expect(countTaken([], 0)).toBe(0);
});

it('refuses an empty merge command by name', () => {
  expect(() => merger('  ')).toThrow(AgentError);
  expect(() => merger('')).toThrow('merge command is empty');
});

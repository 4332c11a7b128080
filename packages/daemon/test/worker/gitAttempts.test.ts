import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AttemptStatus, NewTask } from '@neolith/contracts';
import { expect, it } from 'vitest';
import { createAgent } from '../../src/agents/registry.js';
import type { AttemptEvent, DaemonOptions, Repository } from '../../src/index.js';
import { createGitMerger, gitWorkplace, openRepository } from '../../src/index.js';
import { mayStandForTask } from '../../src/worker/reuseWork.js';
import { git, makeRepository } from './support/repository.js';
import { openWorkplace, until } from './support/workplace.js';

const work = openWorkplace();

const openTestRepository = (): Promise<Repository> =>
  openRepository({
    path: makeRepository(work.path('repository')),
    worktreesDirectory: work.path('worktrees'),
    environment: process.env,
  });

/** Counts its lives in a file beside the repository, and writes another. */
const agentThat = (does: string) => work.agent(`echo run >> ${work.path('lives')}\n${does}`);
const lives = (): number => {
  try {
    return readFileSync(work.path('lives'), 'utf8').split('\n').filter(Boolean).length;
  } catch {
    // Not one so far.
    return 0;
  }
};

async function staged(task: Partial<NewTask> = {}, by?: { readonly id: string }) {
  const orchestrator = by ?? (await work.orchestrator());
  const run = await work.engine.createRun({
    name: 'Staged',
    orchestratorId: orchestrator.id,
    config: { mergeStage: true },
    tasks: [{ title: 'Write a file', key: 't', ...task }],
  });
  await work.engine.startRun(run.id);
  const [stored] = (await work.engine.listTasks({ runId: run.id })).tasks;
  if (stored === undefined) throw new Error('No task was stored.');
  return { id: stored.id, run, orchestrators: [orchestrator.id] };
}

function gitDaemon(
  repository: Repository,
  options: Partial<DaemonOptions> & Pick<DaemonOptions, 'orchestrators'>,
  reuseResults = false,
) {
  const events: AttemptEvent[] = [];
  const daemon = work.daemon({
    agent: agentThat('echo made > made.txt'),
    workplace: gitWorkplace({ repository, targetBranch: 'main', reuseResults }),
    merger: createGitMerger({ repository, strategy: 'rebase', check: null }),
    onAttempt: (event) => events.push(event),
    ...options,
  });
  return { daemon, events };
}

it('waits with a merge while the target is checked out with changes, and does not do the task again', async () => {
  const repository = await openTestRepository();
  const { id, orchestrators } = await staged();
  writeFileSync(`${repository.path}/shared.txt`, 'half a thought\n');
  const { daemon, events } = gitDaemon(repository, { orchestrators });
  await daemon.start();
  await until(() => events.some(({ kind }) => kind === 'merge_refused'), 'the refusal to be told');
  expect((await work.engine.getTask(id)).status).toBe('MERGING');
  expect(readFileSync(`${repository.path}/shared.txt`, 'utf8')).toBe('half a thought\n');
  git(repository.path, 'checkout', '--', 'shared.txt');
  const done = await work.untilStatus(id, 'DONE');
  expect(done).toMatchObject({ mergeFailureCount: 0 });
  expect(lives()).toBe(1);
  // The branch is checked out, so its files came with it.
  expect(readFileSync(`${repository.path}/made.txt`, 'utf8')).toBe('made\n');
  expect(git(repository.path, 'log', '-1', '--format=%(trailers:key=Neolith-Agent,valueonly)')).toBe('shell');
});

it('gives a merge up that is refused for longer than a merge may take', async () => {
  const repository = await openTestRepository();
  const { id, orchestrators } = await staged();
  writeFileSync(`${repository.path}/shared.txt`, 'half a thought\n');
  const { daemon } = gitDaemon(repository, { orchestrators, mergeTimeoutMs: 300 });
  await daemon.start();
  const stuck = await work.untilStatus(id, 'BLOCKED');
  expect(stuck.mergeFailureCount).toBe(2);
  expect(stuck.attempts[0]?.error).toContain('shared.txt');
});

it('moves nothing when the lease ran out while the merge was prepared', async () => {
  const repository = await openTestRepository();
  const { id, orchestrators } = await staged();
  const before = git(repository.path, 'rev-parse', 'main');
  const gate = work.path('gate');
  const { daemon } = gitDaemon(repository, {
    orchestrators,
    leaseSeconds: 1,
    merger: createGitMerger({
      repository,
      strategy: 'rebase',
      check: { command: `while [ ! -e ${gate} ]; do sleep 0.05; done`, hostEnvironment: process.env },
    }),
  });
  await daemon.start();
  await work.untilStatus(id, 'MERGING');
  // As for a machine that slept: no renewal came through, and nothing of it was noticed here.
  work.server.fault = ({ name }) => (name === 'daemonHeartbeat' ? { kind: 'answer', status: 503 } : null);
  await until(async () => {
    await work.engine.sweepExpiredLeases();
    return (await work.engine.getTask(id)).status !== 'MERGING';
  }, 'the lease to run out');
  await work.engine.cancelTask(id);
  await work.open(gate);
  await until(() => daemon.attempts().length === 0, 'the merge to end');
  expect(git(repository.path, 'rev-parse', 'main')).toBe(before);
  expect((await daemon.stop()).results).toMatchObject({ dropped: 1, completed: 0 });
});

it('recognises work that was merged by an attempt that could not tell it any more', async () => {
  const repository = await openTestRepository();
  const { id, orchestrators } = await staged();
  work.server.fault = ({ name }) =>
    name === 'completeMerge' || name === 'daemonHeartbeat' ? { kind: 'answer', status: 503 } : null;
  const first = gitDaemon(repository, { orchestrators, leaseSeconds: 1 });
  await first.daemon.start();
  await until(() => git(repository.path, 'rev-list', '--count', 'main') === '2', 'the merge');
  // It dies here, for all that anybody can see.
  const stopped = first.daemon.stop();
  await until(async () => {
    await work.engine.sweepExpiredLeases();
    return (await work.engine.getTask(id)).status === 'TODO';
  }, 'the lease to run out');
  work.server.fault = () => null;
  await stopped;
  const second = gitDaemon(repository, { orchestrators });
  await second.daemon.start();
  const done = await work.untilStatus(id, 'DONE');
  expect(lives()).toBe(1);
  expect(git(repository.path, 'rev-list', '--count', 'main')).toBe('2');
  expect(done.result?.output).toMatchObject({
    mergedBefore: { branch: 'main', commit: git(repository.path, 'rev-parse', 'main') },
  });
});

it('does a task once more where an attempt was accepted before, or where not all that went before is known', () => {
  const previous = (...statuses: readonly AttemptStatus[]) =>
    ({
      attempt: { number: statuses.length + 1 },
      context: { previousAttempts: statuses.map((status, n) => ({ number: n + 1, status, error: null })) },
    }) as unknown as Parameters<typeof mayStandForTask>[0];
  expect(mayStandForTask(previous('LOST'))).toBe(true);
  expect(mayStandForTask(previous('FAILED', 'LOST'))).toBe(true);
  expect(mayStandForTask(previous())).toBe(false);
  expect(mayStandForTask(previous('LOST', 'SUCCEEDED'))).toBe(false);
  const { context } = previous('LOST', 'LOST');
  expect(mayStandForTask({ ...previous('LOST'), context, attempt: { number: 9 } as never })).toBe(false);
});

it('takes over the result of a task that was the same, and tells so', async () => {
  const repository = await openTestRepository();
  // By its tag the first is among the tasks around the second.
  const tags = ['files'];
  const one = await staged({ description: 'Write made.txt', tags });
  const { daemon } = gitDaemon(repository, { orchestrators: one.orchestrators }, true);
  // Older than anything that is kept.
  const old = `refs/neolith/cache/${'0'.repeat(64)}`;
  git(repository.path, 'update-ref', old, 'main');
  await daemon.start();
  const first = await work.untilStatus(one.id, 'DONE');
  await daemon.stop();
  const refs = git(repository.path, 'for-each-ref', '--format=%(refname)', 'refs/neolith/cache').split('\n');
  expect(refs).toHaveLength(1);
  expect(refs).not.toContain(old);
  git(repository.path, 'reset', '-q', '--hard', 'main~1');

  const same = await work.engine.createRun({
    name: 'Again',
    orchestratorId: one.orchestrators[0] as string,
    config: { mergeStage: true },
    tasks: [{ title: 'Write a file', key: 't', description: 'Write made.txt', tags }],
  });
  const other = await work.engine.createRun({
    name: 'Another',
    orchestratorId: one.orchestrators[0] as string,
    config: { mergeStage: true },
    tasks: [{ title: 'Write a file', key: 't', description: 'Write made.txt, and well' }],
  });
  const taskOf = async (runId: string) => (await work.engine.listTasks({ runId })).tasks[0]?.id as string;
  const again = gitDaemon(repository, { orchestrators: one.orchestrators }, true);
  await work.engine.startRun(same.id);
  await again.daemon.start();
  const reused = await work.untilStatus(await taskOf(same.id), 'DONE');
  expect(lives()).toBe(1);
  expect(readFileSync(`${repository.path}/made.txt`, 'utf8')).toBe('made\n');
  const from = first.attempts[0]?.id;
  expect(reused.result?.output).toMatchObject({ reusedFrom: { attemptId: from } });
  expect(again.events.find(({ kind }) => kind === 'reused')).toMatchObject({ from: { attemptId: from } });
  expect(git(repository.path, 'log', '-1', '--format=%(trailers:key=Neolith-Reused-From,valueonly)')).toBe(
    from,
  );

  // Told otherwise, or begun at another commit, it is another task.
  await work.engine.startRun(other.id);
  await work.untilStatus(await taskOf(other.id), 'DONE');
  expect(lives()).toBe(2);
});

it('takes over no result of an agent that is set up otherwise', async () => {
  const repository = await openTestRepository();
  const does = 'echo "$LEVEL" > made.txt';
  const agent = (level: string) =>
    createAgent(
      'shell',
      { hostEnvironment: { ...process.env, LEVEL: level }, baseDirectory: work.directory },
      { shell: { command: `echo run >> ${work.path('lives')}\n${does}`, environmentNames: ['LEVEL'] } },
    );
  const begin = git(repository.path, 'rev-parse', 'main');
  const orchestrator = await work.orchestrator();
  for (const [level, runs] of [
    ['high', 1],
    ['low', 2],
    ['high', 2],
  ] as const) {
    git(repository.path, 'reset', '-q', '--hard', begin);
    const { id, orchestrators } = await staged({ description: 'Write made.txt' }, orchestrator);
    const { daemon } = gitDaemon(repository, { orchestrators, agent: agent(level) }, true);
    await daemon.start();
    await work.untilStatus(id, 'DONE');
    await daemon.stop();
    expect([level, lives()]).toEqual([level, runs]);
    expect(readFileSync(`${repository.path}/made.txt`, 'utf8')).toBe(`${level}\n`);
  }
});

it('keeps no result of a task that failed, and none where nobody asked for it', async () => {
  const repository = await openTestRepository();
  const one = await staged({ maxAttempts: 1 });
  const { daemon } = gitDaemon(
    repository,
    { orchestrators: one.orchestrators, agent: agentThat('echo made > made.txt; exit 1') },
    true,
  );
  await daemon.start();
  await work.untilStatus(one.id, 'FAILED');
  const two = await staged();
  const plain = gitDaemon(repository, { orchestrators: two.orchestrators });
  await plain.daemon.start();
  await work.untilStatus(two.id, 'DONE');
  expect(git(repository.path, 'for-each-ref', 'refs/neolith/cache')).toBe('');
  rmSync(work.path('lives'), { force: true });
});

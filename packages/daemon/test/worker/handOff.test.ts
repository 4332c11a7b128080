import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import {
  applyCleanup,
  createAgent,
  createGitMerger,
  gitWorkplace,
  openRepository,
  planCleanup,
  type Repository,
  type WorkerDaemon,
} from '../../src/index.js';
import { git, makeRepository } from './support/repository.js';
import { openWorkplace, until } from './support/workplace.js';

const work = openWorkplace();

/** A machine of its own, as far as repository and worktrees go. */
const openAt = (name: string): Promise<Repository> =>
  openRepository({
    path: existsSync(work.path(name)) ? work.path(name) : makeRepository(work.path(name)),
    worktreesDirectory: work.path(`${name}-worktrees`),
    environment: process.env,
  });

async function handedOut() {
  const orchestrator = await work.orchestrator();
  const run = await work.engine.createRun({
    name: 'By hand',
    orchestratorId: orchestrator.id,
    config: { mergeStage: true },
    tasks: [{ title: 'Draw it', key: 't' }],
  });
  await work.engine.startRun(run.id);
  const [task] = (await work.engine.listTasks({ runId: run.id })).tasks;
  if (task === undefined) throw new Error('No task was stored.');
  return { id: task.id, orchestrators: [orchestrator.id] };
}

async function serve(repository: Repository, orchestrators: readonly string[]): Promise<WorkerDaemon> {
  const daemon = work.daemon({
    orchestrators,
    agent: createAgent('windsurf', { hostEnvironment: process.env, baseDirectory: work.directory }, {}),
    workplace: gitWorkplace({ repository, targetBranch: 'main', reuseResults: true }),
    merger: createGitMerger({ repository, strategy: 'rebase', check: null }),
  });
  await daemon.start();
  return daemon;
}

async function untilWaiting(id: string, daemon: WorkerDaemon, attempts: number) {
  await until(async () => {
    const task = await work.engine.getTask(id);
    return task.status === 'BLOCKED' && task.attempts.length === attempts && daemon.attempts().length === 0;
  }, `attempt ${attempts} to wait for a person`);
  const task = await work.engine.getTask(id);
  const directory = /Open (\S+) in Windsurf/.exec(task.blockedQuestion ?? '')?.[1] ?? '';
  return { task, directory };
}

const commitIn = (directory: string, name: string, text: string): void => {
  writeFileSync(`${directory}/${name}`, text);
  git(directory, 'add', '--all');
  git(directory, 'commit', '-q', '-m', `Write ${name}`);
};
const attemptBranches = (repository: Repository) =>
  git(repository.path, 'branch', '--list', '--format=%(refname:short)', 'neolith/attempt_*');

it('keeps the place that it hands to a person, and merges what they left there once they have answered', async () => {
  const repository = await openAt('repository');
  const { id, orchestrators } = await handedOut();
  const first = await serve(repository, orchestrators);
  const { directory } = await untilWaiting(id, first, 1);
  expect(existsSync(directory)).toBe(true);
  const plan = await planCleanup(repository, { activeAttemptIds: [] });
  expect(plan.kept).toMatchObject([{ path: directory, reason: 'HANDED_OFF' }]);
  expect((await applyCleanup(repository, plan)).removed).toEqual([]);

  commitIn(directory, 'committed.txt', 'by the person\n');
  writeFileSync(`${directory}/lying.txt`, 'not committed\n');
  // Days later, perhaps.
  await first.stop();
  const second = await serve(repository, orchestrators);
  await work.engine.unblockTask(id, { answer: 'Drawn.' });
  const done = await work.untilStatus(id, 'DONE');
  await until(() => second.attempts().length === 0, 'the attempt to be left');

  expect(readFileSync(`${repository.path}/committed.txt`, 'utf8')).toBe('by the person\n');
  expect(readFileSync(`${repository.path}/lying.txt`, 'utf8')).toBe('not committed\n');
  const latest = done.attempts.find(({ number }) => number === 2);
  expect(git(repository.path, 'log', '-1', '--format=%(trailers:key=Neolith-Attempt,valueonly)')).toBe(
    latest?.id,
  );
  expect(git(repository.path, 'log', '--format=%s', 'main')).toContain('Write committed.txt');
  expect([attemptBranches(repository), readdirSync(repository.worktreesDirectory)]).toEqual(['', []]);
});

it('hands the same place out again when the work meets a conflict, until it is resolved there', async () => {
  const repository = await openAt('repository');
  const { id, orchestrators } = await handedOut();
  const daemon = await serve(repository, orchestrators);
  const { directory } = await untilWaiting(id, daemon, 1);
  writeFileSync(`${directory}/shared.txt`, 'two, by the person\n');
  commitIn(repository.path, 'shared.txt', 'two, by somebody else\n');
  await work.engine.unblockTask(id, { answer: 'Drawn.' });
  const again = await untilWaiting(id, daemon, 3);
  expect(again.directory).toBe(directory);
  expect(again.task.attempts.map(({ error }) => error).join(' ')).toContain('shared.txt');

  expect(() => git(directory, 'merge', '-q', 'main')).toThrow();
  commitIn(directory, 'shared.txt', 'two, by both\n');
  await work.engine.unblockTask(id, { answer: 'Resolved.' });
  await work.untilStatus(id, 'DONE');
  await until(() => daemon.attempts().length === 0, 'the attempt to be left');
  expect(readFileSync(`${repository.path}/shared.txt`, 'utf8')).toBe('two, by both\n');
  expect([attemptBranches(repository), readdirSync(repository.worktreesDirectory)]).toEqual(['', []]);
});

it('says where the work lies when the answer comes to another machine, and takes it up there', async () => {
  const repository = await openAt('repository');
  const elsewhere = await openAt('elsewhere');
  const { id, orchestrators } = await handedOut();
  const first = await serve(repository, orchestrators);
  const { directory } = await untilWaiting(id, first, 1);
  writeFileSync(`${directory}/lying.txt`, 'not committed\n');
  await first.stop();

  const other = await serve(elsewhere, orchestrators);
  await work.engine.unblockTask(id, { answer: 'Drawn.' });
  const { task } = await untilWaiting(id, other, 2);
  expect(task.blockedQuestion).toContain(directory);
  expect(task.blockedQuestion).toContain('"again"');
  expect(readdirSync(elsewhere.worktreesDirectory)).toEqual([]);
  await other.stop();

  await serve(repository, orchestrators);
  await work.engine.unblockTask(id, { answer: 'Drawn, as I said.' });
  await work.untilStatus(id, 'DONE');
  expect(readFileSync(`${repository.path}/lying.txt`, 'utf8')).toBe('not committed\n');
});

it('hands the task out in a new place when the old one is lost and the person asks for it', async () => {
  const repository = await openAt('repository');
  const { id, orchestrators } = await handedOut();
  const daemon = await serve(repository, orchestrators);
  const { directory } = await untilWaiting(id, daemon, 1);
  git(repository.path, 'worktree', 'remove', '--force', directory);
  await work.engine.unblockTask(id, { answer: 'Drawn.' });
  const lost = await untilWaiting(id, daemon, 2);
  expect(lost.task.blockedQuestion).toContain('it is not there any more');
  await work.engine.unblockTask(id, { answer: 'Again' });
  const again = await untilWaiting(id, daemon, 3);
  expect(again.directory).not.toBe(directory);
  writeFileSync(`${again.directory}/drawn.txt`, 'anew\n');
  await work.engine.unblockTask(id, { answer: 'Drawn.' });
  await work.untilStatus(id, 'DONE');
  expect(readFileSync(`${repository.path}/drawn.txt`, 'utf8')).toBe('anew\n');
});

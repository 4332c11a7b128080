import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAttemptRecord, releaseWorktree, writeAttemptRecord } from '../../src/git/attemptRecord.js';
import { applyCleanup, planCleanup, removeWorktree } from '../../src/git/cleanup.js';
import { describeOwnLife } from '../../src/git/processLife.js';
import type { AttemptWorktree, Repository } from '../../src/git/repository.js';
import { describeDaemonLife } from '../../src/process/strays.js';
import { startChild } from './support/runChild.js';
import { beginAttempt, doAttempt, makeWorkshop, merge, RUN, type Workshop } from './support/workshop.js';

const TARGET = `neolith/${RUN}`;

let shop: Workshop;
let repository: Repository;
let worktree: AttemptWorktree;

/** One attempt, merged, its worktree as the agent left it. */
beforeEach(async () => {
  shop = makeWorkshop({ 'a.txt': 'a\n', 'sub/b.txt': 'b\n', '.gitignore': 'ignored/\n' });
  repository = await shop.open();
  ({ worktree } = await doAttempt(shop, repository, 'att_1', { 'one.txt': '1\n' }));
  await merge({ repository }, 'att_1');
});

afterEach(() => shop.remove());

const agent = (...args: string[]) => shop.gitIn(worktree.directory, ...args);
const write = (files: Record<string, string>) => shop.write(files, worktree.directory);
const plan = (...activeAttemptIds: string[]) => planCleanup(repository, { activeAttemptIds });
const branches = () => shop.git('branch', '--list', '--format=%(refname:short)', 'neolith/attempt_*');

/** Everything is as it was, and the plan says why. */
async function expectKept(reason: string, message?: string): Promise<void> {
  const content = readdirSync(worktree.directory, { recursive: true }).sort();
  const branchesBefore = branches();
  const found = await plan();
  expect(found.removable).toEqual([]);
  expect(found.kept.map((item) => item.reason)).toEqual([reason]);
  const [item] = found.kept;
  expect(item?.remedy).not.toBe('');
  if (message !== undefined) expect(item?.message).toContain(message);
  // Also when something made the plan say otherwise.
  const forced = {
    attemptId: 'att_1',
    taskId: 't',
    runId: null,
    path: worktree.directory,
    branch: worktree.branch,
  };
  const report = await applyCleanup(repository, { ...found, removable: [forced], kept: [] });
  expect(report.removed).toEqual([]);
  expect(report.kept.map((kept) => kept.reason)).toEqual([reason]);
  expect(readdirSync(worktree.directory, { recursive: true }).sort()).toEqual(content);
  expect(branches()).toBe(branchesBefore);
}

describe('what is removed', () => {
  it('is a clean worktree whose work is in the target, with its branch, ignored files and record', async () => {
    write({ 'ignored/build.bin': 'x' });
    const found = await plan();
    expect(found).toMatchObject({
      removable: [
        { attemptId: 'att_1', taskId: 'task_att_1', path: worktree.directory, branch: worktree.branch },
      ],
      kept: [],
    });
    expect(existsSync(worktree.directory)).toBe(true);
    const report = await applyCleanup(repository, found);
    expect(report).toEqual({ removed: found.removable, kept: [] });
    expect(existsSync(worktree.directory)).toBe(false);
    expect(branches()).toBe('');
    expect(await readAttemptRecord(repository, 'att_1')).toBeNull();
    expect(shop.git('worktree', 'list').split('\n')).toHaveLength(1);
    expect(await plan()).toMatchObject({ removable: [], kept: [] });
    expect(await removeWorktree(repository, { attemptId: 'att_1' })).toBeNull();
  });

  it('is one whose commits had to be written anew, and are named in the target', async () => {
    const { worktree: second } = await doAttempt(shop, repository, 'att_2', { 'two.txt': '2\n' });
    const { worktree: third } = await doAttempt(shop, repository, 'att_3', { 'three.txt': '3\n' });
    await merge({ repository }, 'att_2');
    await merge({ repository }, 'att_3');
    expect(shop.git('merge-base', '--is-ancestor', second.branch, TARGET)).toBe('');
    expect(() => shop.git('merge-base', '--is-ancestor', third.branch, TARGET)).toThrow();
    expect(await removeWorktree(repository, { attemptId: 'att_3' })).toBeNull();
    expect(existsSync(third.directory)).toBe(false);
  });

  it('is one in which nothing was done', async () => {
    const { directory } = await beginAttempt(repository, 'att_2');
    expect(await removeWorktree(repository, { attemptId: 'att_2' })).toBeNull();
    expect(existsSync(directory)).toBe(false);
  });

  it('is what is left where a person deleted the directory', async () => {
    rmSync(worktree.directory, { recursive: true });
    expect((await applyCleanup(repository, await plan())).removed).toHaveLength(1);
    expect(branches()).toBe('');
    expect(shop.git('worktree', 'list').split('\n')).toHaveLength(1);
  });

  it('is a branch that is left alone, and an empty directory', async () => {
    shop.git('worktree', 'remove', worktree.directory);
    mkdirSync(worktree.directory);
    const found = await plan();
    expect((await applyCleanup(repository, found)).removed).toHaveLength(1);
    expect([existsSync(worktree.directory), branches()]).toEqual([false, '']);
  });

  it('is the checkout that a merger left when it was killed', async () => {
    await doAttempt(shop, repository, 'att_2', { 'two.txt': '2\n' });
    const pidFile = join(shop.root, 'pid');
    const child = startChild(
      {
        job: 'merge',
        repository: {
          path: shop.path,
          worktreesDirectory: shop.worktreesDirectory,
          environment: shop.environment,
        },
        attemptId: 'att_2',
        strategy: 'merge',
        check: `echo $$ > ${pidFile}.new; mv ${pidFile}.new ${pidFile}; exec sleep 300`,
      },
      shop.environment,
    );
    const { waitFor } = await import('../process/processes.js');
    await waitFor(() => existsSync(pidFile), 'the check');
    child.process.kill('SIGKILL');
    await child.ended;
    const scratch =
      readdirSync(repository.worktreesDirectory).find((name) => name.startsWith('check_')) ?? '';
    const busy = (await plan()).kept.find((item) => item.attemptId === scratch);
    expect(busy?.reason).toBe('BUSY');
    process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL');
    await waitFor(
      () => !existsSync(`/proc/${readFileSync(pidFile, 'utf8').trim()}/cwd`),
      'the end of the check',
    );
    const found = await plan();
    expect(found.removable.map((item) => item.attemptId).sort()).toEqual(['att_1', scratch].sort());
    await applyCleanup(repository, found);
    expect(readdirSync(repository.worktreesDirectory)).toEqual(['att_2']);
  });
});

describe('what is kept', () => {
  it('what is going on', async () => {
    expect(await plan('att_1')).toMatchObject({
      removable: [],
      kept: [{ reason: 'ACTIVE', branch: worktree.branch }],
    });
    expect(
      await removeWorktree(repository, { attemptId: 'att_1', activeAttemptIds: ['att_1'] }),
    ).toMatchObject({
      reason: 'ACTIVE',
    });
    expect(existsSync(worktree.directory)).toBe(true);
  });

  it.each<[string, () => void]>([
    ['a changed file', () => write({ 'a.txt': 'changed\n' })],
    ['a new file', () => write({ 'new.txt': 'new\n' })],
    ['a new file in a new directory', () => write({ 'deep/er/new.txt': 'new\n' })],
    ['a deleted file', () => rmSync(join(worktree.directory, 'a.txt'))],
    ['a new link', () => symlinkSync('a.txt', join(worktree.directory, 'link'))],
    [
      'a staged file',
      () => {
        write({ 'new.txt': 'new\n' });
        agent('add', 'new.txt');
      },
    ],
    [
      'what is only staged',
      () => {
        write({ 'a.txt': 'only in the index\n' });
        agent('add', 'a.txt');
        write({ 'a.txt': 'a\n' });
      },
    ],
    [
      'a change hidden by assume-unchanged',
      () => {
        agent('update-index', '--assume-unchanged', 'a.txt');
        write({ 'a.txt': 'hidden\n' });
      },
    ],
    [
      'a change hidden by skip-worktree',
      () => {
        agent('update-index', '--skip-worktree', 'a.txt');
        write({ 'a.txt': 'hidden\n' });
      },
    ],
    [
      'a change of the same size and time',
      () => {
        shop.git('config', 'core.trustctime', 'false');
        shop.git('config', 'core.checkStat', 'minimal');
        const path = join(worktree.directory, 'a.txt');
        const past = new Date(Date.now() - 60_000);
        utimesSync(path, past, past);
        agent('status');
        write({ 'a.txt': 'b\n' });
        utimesSync(path, past, past);
        expect(statSync(path).size).toBe(2);
      },
    ],
    [
      'a configuration that shows no untracked files',
      () => {
        shop.git('config', 'status.showUntrackedFiles', 'no');
        write({ 'new.txt': 'new\n' });
      },
    ],
  ])('%s', async (_, spoil) => {
    spoil();
    await expectKept('DIRTY');
  });

  it('commits that are in no target', async () => {
    agent('commit', '--quiet', '--allow-empty', '--message=More');
    await expectKept('UNMERGED', agent('rev-parse', 'HEAD'));
  });

  it('commits on a detached HEAD', async () => {
    agent('checkout', '--quiet', '--detach');
    agent('commit', '--quiet', '--allow-empty', '--message=More');
    await expectKept('UNMERGED');
  });

  it('commits on the branch that are not checked out', async () => {
    agent('commit', '--quiet', '--allow-empty', '--message=More');
    agent('checkout', '--quiet', '--detach', 'HEAD~1');
    await expectKept('UNMERGED');
  });

  it('commits that another one only claims to stand for', async () => {
    const { worktree: second } = await doAttempt(shop, repository, 'att_2', { 'two.txt': '2\n' });
    const forged = shop.git(
      'commit-tree',
      '-p',
      TARGET,
      '-m',
      'Forged\n\nNeolith-Attempt: att_2\nNeolith-Task: task_att_2\n',
      `${TARGET}^{tree}`,
    );
    shop.git('update-ref', `refs/heads/${TARGET}`, forged);
    expect(await removeWorktree(repository, { attemptId: 'att_2' })).toMatchObject({ reason: 'UNMERGED' });
    expect(readFileSync(join(second.directory, 'two.txt'), 'utf8')).toBe('2\n');
  });

  it('what is merged into a branch that is gone', async () => {
    shop.git('update-ref', '-d', `refs/heads/${TARGET}`);
    await expectKept('TARGET_GONE');
  });

  it('a rebase in the middle', async () => {
    expect(() => agent('rebase', '--force-rebase', '--exec', 'false', 'HEAD~1')).toThrow();
    await expectKept('OPERATION_IN_PROGRESS', 'rebase');
  });

  it('a merge with conflicts', async () => {
    agent('checkout', '--quiet', '-b', 'side', 'HEAD~1');
    write({ 'one.txt': 'other\n' });
    agent('add', '--all');
    agent('commit', '--quiet', '--message=Side');
    agent('checkout', '--quiet', worktree.branch);
    expect(() => agent('merge', '--quiet', 'side')).toThrow();
    await expectKept('OPERATION_IN_PROGRESS', 'merge');
  });

  it('a locked worktree', async () => {
    agent('worktree', 'lock', '--reason', 'on a stick', worktree.directory);
    await expectKept('LOCKED', 'on a stick');
  });

  it('one whose index is held', async () => {
    writeFileSync(join(agent('rev-parse', '--absolute-git-dir'), 'index.lock'), '');
    await expectKept('BUSY');
  });

  it('one in which a process works', async () => {
    const child = spawn('sleep', ['60'], { cwd: join(worktree.directory, 'sub') });
    try {
      await expectKept('BUSY', String(child.pid));
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('one whose agent is alive somewhere', async () => {
    const child = spawn('sleep', ['60'], { cwd: '/', env: { ...process.env, NEOLITH_ATTEMPT: 'att_1' } });
    try {
      await expectKept('BUSY', String(child.pid));
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('one that another living daemon has not released', async () => {
    const child = spawn('sleep', ['60']);
    const record = await readAttemptRecord(repository, 'att_1');
    if (record === null) throw new Error('no record');
    const { place } = await describeOwnLife();
    const life = await describeDaemonLife('git', child.pid ?? 0);
    await writeAttemptRecord(repository, { ...record, owner: { place, life } });
    try {
      await expectKept('BUSY', String(child.pid));
      await writeAttemptRecord(repository, { ...record, owner: { place: 'elsewhere', life } });
      await expectKept('BUSY', 'elsewhere');
      await releaseWorktree(repository, 'att_1');
      expect((await plan()).removable).toHaveLength(1);
      await writeAttemptRecord(repository, { ...record, owner: { place, life } });
    } finally {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }
    expect((await plan()).removable).toHaveLength(1);
  });

  it('a repository of its own in it', async () => {
    shop.gitIn(join(worktree.directory, 'sub'), 'init', '--quiet');
    await expectKept('NESTED_REPOSITORY', 'sub');
  });

  it('refs of its own', async () => {
    agent('update-ref', 'refs/worktree/mine', 'HEAD');
    await expectKept('OWN_REFS');
  });

  it('one that is not what we made', async () => {
    rmSync(join(worktree.directory, '.git'));
    agent('init', '--quiet');
    await expectKept('TAMPERED');
  });

  it('a link in its place', async () => {
    renameSync(worktree.directory, join(shop.root, 'moved'));
    symlinkSync(join(shop.root, 'moved'), worktree.directory);
    await expectKept('TAMPERED');
    expect(readFileSync(join(shop.root, 'moved/one.txt'), 'utf8')).toBe('1\n');
  });

  it('files in a directory that git knows nothing of any more', async () => {
    rmSync(agent('rev-parse', '--absolute-git-dir'), { recursive: true });
    await expectKept('UNKNOWN');
  });

  it('staged work of which the directory is gone', async () => {
    write({ 'staged.txt': 'only in the index\n' });
    agent('add', '--all');
    rmSync(worktree.directory, { recursive: true });
    expect((await plan()).kept).toMatchObject([{ reason: 'DIRTY' }]);
  });

  it('all of a disk that is not there', async () => {
    renameSync(repository.worktreesDirectory, join(shop.root, 'unmounted'));
    expect((await plan()).kept).toMatchObject([{ reason: 'NOT_REACHABLE' }]);
    renameSync(join(shop.root, 'unmounted'), repository.worktreesDirectory);
    expect((await plan()).removable).toHaveLength(1);
  });

  it('a branch that somebody else has checked out, while its worktree goes', async () => {
    agent('checkout', '--quiet', '--detach');
    shop.git('worktree', 'add', '--quiet', join(shop.root, 'review'), worktree.branch);
    const report = await applyCleanup(repository, await plan());
    expect(report.kept).toMatchObject([{ reason: 'CHECKED_OUT', path: null }]);
    expect([existsSync(worktree.directory), branches()]).toEqual([false, worktree.branch]);
    shop.git('worktree', 'remove', join(shop.root, 'review'));
    expect((await applyCleanup(repository, await plan())).removed).toHaveLength(1);
    expect(branches()).toBe('');
  });

  it('what is not ours, which is not even listed, and what looks like ours without a record', async () => {
    shop.git('worktree', 'add', '--quiet', join(shop.root, 'mine'), '-b', 'mine');
    await applyCleanup(repository, await plan());
    shop.git('branch', 'neolith/attempt_old');
    shop.write({ 'left/file.txt': 'x' }, repository.worktreesDirectory);
    shop.git('worktree', 'add', '--quiet', '--detach', join(repository.worktreesDirectory, 'by-hand'));
    const { removable, kept } = await plan();
    expect(removable).toEqual([]);
    expect(kept.map(({ path, branch, reason }) => ({ path, branch, reason }))).toEqual([
      { path: join(repository.worktreesDirectory, 'by-hand'), branch: null, reason: 'UNKNOWN' },
      { path: join(repository.worktreesDirectory, 'left'), branch: null, reason: 'UNKNOWN' },
      { path: null, branch: 'neolith/attempt_old', reason: 'UNKNOWN' },
    ]);
    expect(existsSync(join(shop.root, 'mine'))).toBe(true);
  });

  it('what changed between plan and removal', async () => {
    const found = await plan();
    expect(found.removable).toHaveLength(1);
    write({ 'late.txt': 'late\n' });
    const report = await applyCleanup(repository, found);
    expect(report).toMatchObject({ removed: [], kept: [{ reason: 'DIRTY' }] });
    expect(readFileSync(join(worktree.directory, 'late.txt'), 'utf8')).toBe('late\n');
  });
});

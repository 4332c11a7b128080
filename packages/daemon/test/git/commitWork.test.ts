import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CommitFacts, writeSubject } from '../../src/git/commitMessage.js';
import { commitWork } from '../../src/git/commitWork.js';
import { GitError } from '../../src/git/gitError.js';
import { readCommitParts } from '../../src/git/makeCommit.js';
import type { AttemptWorktree, Repository } from '../../src/git/repository.js';
import { beginAttempt, factsOf, makeWorkshop, type Workshop } from './support/workshop.js';

let shop: Workshop;
let repository: Repository;
let worktree: AttemptWorktree;

beforeEach(async () => {
  shop = makeWorkshop({ 'a.txt': 'one\ntwo\n', 'sub/b.txt': 'b\n', '.gitignore': 'ignored/\n*.log\n' });
  repository = await shop.open();
  worktree = await beginAttempt(repository, 'att_1');
});

afterEach(() => shop.remove());

const agent = (...args: string[]) => shop.gitIn(worktree.directory, ...args);
const write = (files: Record<string, string>) => shop.write(files, worktree.directory);
const commit = (facts: Partial<CommitFacts> = {}) =>
  commitWork(repository, worktree, factsOf('att_1', facts));
const show = (what: string) => shop.git('show', '-s', `--format=${what}`, worktree.branch);
const filesAt = (commitId: string) => shop.git('ls-tree', '-r', '--name-only', commitId).split('\n');

async function refusal(): Promise<GitError> {
  const before = shop.git('rev-parse', worktree.branch);
  try {
    await commit();
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    expect(shop.git('rev-parse', worktree.branch)).toBe(before);
    return error;
  }
  throw new Error('It was not refused');
}

describe('what is committed', () => {
  it('is all that the agent left, with the task in trailers, and numbers that are right', async () => {
    write({ 'a.txt': 'one\nzwei\n', 'new.txt': '1\n2\n3\n' });
    rmSync(join(worktree.directory, 'sub/b.txt'));
    const work = await commit({ title: 'Translate the numbers', taskId: 'task_other', agent: 'codex' });
    expect(work).toEqual({
      commit: shop.git('rev-parse', worktree.branch),
      files: 3,
      insertions: 4,
      deletions: 2,
    });
    expect(show('%s')).toBe('Translate the numbers');
    expect(show('%(trailers:only,unfold)').trim().split('\n')).toEqual([
      'Neolith-Task: task_att_1',
      'Neolith-Attempt: att_1',
      'Neolith-Run: run_01',
      'Neolith-Agent: codex',
    ]);
    expect(show('%an <%ae> %cn <%ce>')).toBe('Neolith <neolith@localhost> Neolith <neolith@localhost>');
    expect(agent('status', '--porcelain')).toBe('');
  });

  it('is nothing where nothing was changed', async () => {
    expect(await commit()).toEqual({ commit: null, files: 0, insertions: 0, deletions: 0 });
    expect(show('%H')).toBe(worktree.baseCommit);
  });

  it('leaves ignored files out', async () => {
    write({ 'ignored/x.txt': 'x', 'debug.log': 'x', 'kept.txt': 'x' });
    const work = await commit();
    expect(filesAt(work.commit ?? '')).toEqual(['.gitignore', 'a.txt', 'kept.txt', 'sub/b.txt']);
    expect(existsSync(join(worktree.directory, 'ignored/x.txt'))).toBe(true);
  });

  it('leaves what the agent committed itself, and adds the rest', async () => {
    write({ 'own.txt': 'own\n' });
    agent('add', '--all');
    agent('commit', '--quiet', '--message=My own words');
    const own = agent('rev-parse', 'HEAD');
    expect((await commit()).commit).toBe(own);
    write({ 'rest.txt': 'rest\n' });
    const work = await commit();
    expect(shop.git('rev-parse', `${work.commit}^`)).toBe(own);
    expect(work).toMatchObject({ files: 2, insertions: 2 });
  });

  it('runs no hook, also where the agent planted one', async () => {
    for (const hook of [
      'pre-commit',
      'prepare-commit-msg',
      'commit-msg',
      'post-commit',
      'post-index-change',
    ]) {
      const path = join(shop.path, '.git/hooks', hook);
      writeFileSync(path, `#!/bin/sh\ntouch ${shop.root}/ran\nexit 1\n`);
      chmodSync(path, 0o755);
    }
    write({ 'new.txt': 'x' });
    expect((await commit()).files).toBe(1);
    expect(existsSync(join(shop.root, 'ran'))).toBe(false);
    write({ 'newer.txt': 'x' });
    agent('add', '--all');
    expect(() => agent('commit', '--quiet', '--message=with hooks')).toThrow();
    expect(existsSync(join(shop.root, 'ran'))).toBe(true);
  });

  it('takes names of files that are no text, no option and no pattern', async () => {
    write({ '--force': 'x', ':(exclude)a.txt': 'x', '*': 'x', 'line\nbreak': 'x', ' blank ': 'x' });
    writeFileSync(Buffer.concat([Buffer.from(`${worktree.directory}/`), Buffer.of(0xff, 0xfe)]), 'x');
    expect(await commit()).toMatchObject({ files: 6 });
    expect(agent('status', '--porcelain')).toBe('');
  });
});

describe('the message', () => {
  it.each([
    ['--amend', 'amend'],
    ['# a heading', 'a heading'],
    ['  spread \t over\r\n lines ', 'spread over lines'],
    ['fixup! earlier', 'fixup: earlier'],
    ['\u001b[31mred\u001b[0m \u202etxt.exe', 'red txt.exe'],
    ['', 'Task task_1'],
    ['\n\n---\n', 'Task task_1'],
    ['x'.repeat(80), `${'x'.repeat(71)}…`],
  ])('makes of the title %j the subject %j', (title, subject) => {
    expect(writeSubject({ taskId: 'task_1', title })).toBe(subject);
  });

  it('can not be made to name another task by a title', async () => {
    write({ 'new.txt': 'x' });
    const title = 'Fine\n\nNeolith-Task: task_other\nNeolith-Attempt: att_other\u2028Neolith-Run: run_other';
    await commit({ title, agent: 'claude\nNeolith-Attempt: att_other' });
    expect(show('%(trailers:key=Neolith-Task,valueonly)').trim()).toBe('task_att_1');
    expect(show('%(trailers:key=Neolith-Attempt,valueonly)').trim()).toBe('att_1');
    expect(show('%(trailers:key=Neolith-Run,valueonly)').trim()).toBe('run_01');
    expect(show('%B').trim().split('\n')).toHaveLength(6);
  });

  it.each(['--upload-pack=touch pwned', 'x;$(touch pwned)', '`touch pwned`', '../../etc', '-F/etc/passwd'])(
    'takes the title %j for words',
    async (title) => {
      write({ 'new.txt': 'x' });
      await commit({ title });
      expect(existsSync(join(worktree.directory, 'pwned')) || existsSync(join(shop.path, 'pwned'))).toBe(
        false,
      );
      expect(show('%s')).toBe(title.replace(/^-+/, ''));
    },
  );

  it('is kept as it is, with a # in it', async () => {
    write({ 'new.txt': 'x' });
    shop.git('config', 'commit.cleanup', 'strip');
    await commit({ title: 'Close #12 and #13' });
    expect(
      (await readCommitParts(repository, worktree.branch)).message.startsWith('Close #12 and #13\n'),
    ).toBe(true);
  });
});

describe('what an agent may leave behind, and is put right', () => {
  it.each([
    ['a detached HEAD', ['checkout', '--quiet', '--detach']],
    ['a branch of its own', ['checkout', '--quiet', '-b', 'my-feature']],
  ])('%s', async (_, move) => {
    agent(...move);
    write({ 'own.txt': 'own\n' });
    agent('add', '--all');
    agent('commit', '--quiet', '--message=Own');
    const own = agent('rev-parse', 'HEAD');
    write({ 'rest.txt': 'rest\n' });
    const work = await commit();
    expect(work.files).toBe(2);
    expect(work.notes?.join()).toContain('The agent ended on');
    expect(shop.git('rev-parse', `${worktree.branch}^`)).toBe(own);
    expect(agent('symbolic-ref', 'HEAD')).toBe(`refs/heads/${worktree.branch}`);
    if (move.includes('-b')) expect(shop.git('rev-parse', 'my-feature')).toBe(own);
  });

  it('a merge that only has to be committed', async () => {
    shop.git('branch', 'side', worktree.baseCommit);
    write({ 'own.txt': 'own\n' });
    agent('add', '--all');
    agent('commit', '--quiet', '--message=Own');
    agent('checkout', '--quiet', 'side');
    write({ 'side.txt': 'side\n' });
    agent('add', '--all');
    agent('commit', '--quiet', '--message=Side');
    agent('checkout', '--quiet', worktree.branch);
    agent('merge', '--quiet', '--no-commit', 'side');
    const work = await commit();
    expect(shop.git('rev-parse', `${work.commit}^2`)).toBe(shop.git('rev-parse', 'side'));
    expect(work.notes?.join()).toContain('merge');
    expect(work.files).toBe(2);
  });

  it('the lock of a git that was killed: put aside, not deleted', async () => {
    const admin = agent('rev-parse', '--absolute-git-dir');
    writeFileSync(join(admin, 'index.lock'), 'half an index');
    write({ 'new.txt': 'x' });
    const work = await commit();
    expect(work.files).toBe(1);
    expect(work.notes?.join()).toContain('lock');
    const aside = readdirSync(admin).filter((name) => name.startsWith('index.lock.left-'));
    expect(aside.map((name) => readFileSync(join(admin, name), 'utf8'))).toEqual(['half an index']);
  });

  it('but not the lock of one that may be at work', async () => {
    const admin = agent('rev-parse', '--absolute-git-dir');
    writeFileSync(join(admin, 'index.lock'), '');
    const child = spawn('sleep', ['60'], { cwd: worktree.directory });
    try {
      const error = await refusal();
      expect(error.code).toBe('REPOSITORY_LOCKED');
      expect(error.message).toContain(join(admin, 'index.lock'));
      expect(readdirSync(admin)).toContain('index.lock');
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('changes that were hidden from git', async () => {
    agent('update-index', '--assume-unchanged', 'a.txt');
    agent('update-index', '--skip-worktree', 'sub/b.txt');
    write({ 'a.txt': 'hidden\n', 'sub/b.txt': 'hidden as well\n' });
    expect(agent('status', '--porcelain')).toBe('');
    const work = await commit();
    expect(work.files).toBe(2);
    expect(shop.git('show', `${work.commit}:a.txt`)).toBe('hidden');
    expect(shop.git('show', `${work.commit}:sub/b.txt`)).toBe('hidden as well');
  });
});

describe('what an agent may leave behind, and is refused', () => {
  it('a rebase in the middle', async () => {
    write({ 'own.txt': 'own\n' });
    agent('add', '--all');
    agent('commit', '--quiet', '--message=Own');
    expect(() => agent('rebase', '--exec', 'false', worktree.baseCommit)).toThrow();
    const error = await refusal();
    expect([error.code, error.failureClass]).toEqual(['OPERATION_IN_PROGRESS', 'task']);
    expect(error.message).toContain('git rebase --continue');
  });

  it('conflicts', async () => {
    agent('checkout', '--quiet', '-b', 'side');
    write({ 'a.txt': 'side\n' });
    agent('commit', '--quiet', '--all', '--message=Side');
    agent('checkout', '--quiet', worktree.branch);
    write({ 'a.txt': 'own\n' });
    agent('commit', '--quiet', '--all', '--message=Own');
    expect(() => agent('merge', '--quiet', 'side')).toThrow();
    const error = await refusal();
    expect(error.code).toBe('WORK_CONFLICTED');
    expect(error.message).toContain('"a.txt"');
  });

  it.each([
    ['an amended base', ['commit', '--quiet', '--amend', '--message=Mine']],
    ['an orphan branch', ['checkout', '--quiet', '--orphan', 'fresh']],
  ])('%s', async (_, args) => {
    write({ 'new.txt': 'x' });
    agent('add', '--all');
    agent(...args);
    const branch = shop.git('rev-parse', worktree.branch);
    await expect(commit()).rejects.toMatchObject({ code: 'HISTORY_REWRITTEN', failureClass: 'task' });
    expect(shop.git('rev-parse', worktree.branch)).toBe(branch);
    expect(readFileSync(join(worktree.directory, 'new.txt'), 'utf8')).toBe('x');
  });

  it('a branch that lacks what was committed on ours', async () => {
    write({ 'own.txt': 'own\n' });
    agent('add', '--all');
    agent('commit', '--quiet', '--message=Own');
    agent('checkout', '--quiet', '-b', 'elsewhere', worktree.baseCommit);
    write({ 'other.txt': 'other\n' });
    expect((await refusal()).code).toBe('HISTORY_REWRITTEN');
  });

  it.each([
    ['with commits', true],
    ['without a commit', false],
  ])('a repository of its own %s', async (_, withCommit) => {
    const nested = join(worktree.directory, 'vendor/thing');
    mkdirSync(nested, { recursive: true });
    shop.gitIn(nested, 'init', '--quiet');
    shop.write({ 'x.txt': 'x' }, nested);
    if (withCommit) {
      shop.gitIn(nested, 'add', '--all');
      shop.gitIn(nested, 'commit', '--quiet', '--message=Nested');
    }
    const error = await refusal();
    expect(error.code).toBe('NESTED_REPOSITORY');
    expect(error.message).toContain('vendor/thing');
  });

  it('a repository of its own below tracked files, or committed by the agent itself', async () => {
    shop.gitIn(join(worktree.directory, 'sub'), 'init', '--quiet');
    expect((await refusal()).code).toBe('NESTED_REPOSITORY');
    rmSync(join(worktree.directory, 'sub/.git'), { recursive: true });
    agent('update-index', '--add', '--cacheinfo', `160000,${worktree.baseCommit},linked`);
    mkdirSync(join(worktree.directory, 'linked'));
    agent('commit', '--quiet', '--message=Link');
    expect((await refusal()).code).toBe('NESTED_REPOSITORY');
  });

  it.each([
    ['/etc/passwd', 'link'],
    ['../outside', 'link'],
    ['sub/../../outside', 'link'],
    ['../../outside', 'sub/link'],
    ['here/../../outside', 'link'],
    ['.git/config', 'link'],
    ['link', 'link'],
  ])('a link to %s at %s', async (target, name) => {
    symlinkSync('.', join(worktree.directory, 'here'));
    symlinkSync(target, join(worktree.directory, name));
    const error = await refusal();
    expect(error.code).toBe('LINK_LEADS_OUT');
    expect(error.message).toContain(`"${name}"`);
  });

  it('a link that leads out, committed by the agent itself', async () => {
    symlinkSync('/etc', join(worktree.directory, 'etc'));
    agent('add', '--all');
    agent('commit', '--quiet', '--message=Link');
    expect((await refusal()).code).toBe('LINK_LEADS_OUT');
  });

  it('a .git that leads into another repository', async () => {
    write({ 'new.txt': 'x' });
    renameSync(join(worktree.directory, '.git'), join(shop.root, 'dot-git'));
    agent('init', '--quiet');
    expect((await refusal()).code).toBe('WORKTREE_TAMPERED');
    rmSync(join(worktree.directory, '.git'), { recursive: true });
    expect((await refusal()).code).toBe('WORKTREE_TAMPERED');
    writeFileSync(join(worktree.directory, '.git'), `gitdir: ${join(shop.path, '.git')}\n`);
    expect((await refusal()).code).toBe('WORKTREE_TAMPERED');
    renameSync(join(shop.root, 'dot-git'), join(worktree.directory, '.git'));
    expect((await commit()).files).toBe(1);
  });

  it('a worktree that is now a link, or gone', async () => {
    renameSync(worktree.directory, join(shop.root, 'moved'));
    symlinkSync(join(shop.root, 'moved'), worktree.directory);
    expect((await refusal()).code).toBe('WORKTREE_TAMPERED');
    rmSync(worktree.directory);
    expect((await refusal()).code).toBe('WORKTREE_MISSING');
    await expect(commitWork(repository, worktree, factsOf('att_9'))).rejects.toMatchObject({
      code: 'ATTEMPT_UNKNOWN',
    });
  });
});

it('commits links that stay inside', async () => {
  symlinkSync('sub/b.txt', join(worktree.directory, 'link'));
  symlinkSync('../a.txt', join(worktree.directory, 'sub/up'));
  symlinkSync('not/there/yet', join(worktree.directory, 'later'));
  expect(await commit()).toMatchObject({ files: 3 });
});

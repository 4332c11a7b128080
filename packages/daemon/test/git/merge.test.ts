import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readAttemptRecord } from '../../src/git/attemptRecord.js';
import { commitWork } from '../../src/git/commitWork.js';
import { findMergedWork } from '../../src/git/mergedWork.js';
import type { Repository } from '../../src/git/repository.js';
import { isAlive, waitFor } from '../process/processes.js';
import { startChild } from './support/runChild.js';
import {
  beginAttempt,
  doAttempt,
  factsOf,
  makeWorkshop,
  merge,
  RUN,
  startMerge,
  type Workshop,
} from './support/workshop.js';

const TARGET = `neolith/${RUN}`;

let shop: Workshop;
let repository: Repository;

beforeEach(async () => {
  shop = makeWorkshop({ 'shared.txt': '1\n2\n3\n4\n5\n', 'README.md': 'hello\n' });
  repository = await shop.open();
});

afterEach(() => shop.remove());

const tipOf = (branch: string) => shop.git('rev-parse', branch);
const files = (branch: string) => shop.git('ls-tree', '-r', '--name-only', branch).split('\n');
const trailer = (commit: string, name: string) =>
  shop.git('show', '-s', `--format=%(trailers:key=${name},valueonly)`, commit).trim();
const check = (command: string | string[]) => ({ command, hostEnvironment: { PATH: process.env.PATH } });

describe('what comes in', () => {
  it('is a line of commits with rebase', async () => {
    await doAttempt(shop, repository, 'att_1', { 'one.txt': '1\n' });
    await doAttempt(shop, repository, 'att_2', { 'two.txt': '2\n' });
    const first = await merge({ repository }, 'att_1');
    expect(first.verdict).toEqual({
      kind: 'merged',
      output: {
        summary: 'done',
        merge: { branch: TARGET, commit: tipOf(TARGET), strategy: 'rebase', alreadyMerged: false },
      },
    });
    expect(tipOf(TARGET)).toBe(tipOf('neolith/attempt_1'));
    expect((await merge({ repository }, 'att_2')).verdict.kind).toBe('merged');
    expect(files(TARGET)).toEqual(['README.md', 'one.txt', 'shared.txt', 'two.txt']);
    expect(shop.git('rev-list', '--merges', '--count', TARGET)).toBe('0');
    expect(trailer(TARGET, 'Neolith-Attempt')).toBe('att_2');
    expect(trailer(TARGET, 'Neolith-Source')).toBe(tipOf('neolith/attempt_2'));
    expect(shop.git('log', '-2', '--format=%s', TARGET)).toBe('Do att_2\nDo att_1');
  });

  it('is a commit of both parents with merge', async () => {
    await doAttempt(shop, repository, 'att_1', { 'one.txt': '1\n' });
    const before = tipOf(TARGET);
    const { verdict } = await merge({ repository, strategy: 'merge' }, 'att_1', { output: null });
    expect(verdict).toMatchObject({ kind: 'merged', output: { merge: { strategy: 'merge' } } });
    expect(shop.git('show', '-s', '--format=%P', TARGET)).toBe(`${before} ${tipOf('neolith/attempt_1')}`);
    expect(trailer(TARGET, 'Neolith-Task')).toBe('task_att_1');
    expect(shop.git('show', '-s', '--format=%s', TARGET)).toBe('Merge Do att_1');
  });

  it('keeps the agent’s own commits, their words and their authors, on top of what came in meanwhile', async () => {
    const { directory } = await beginAttempt(repository, 'att_1');
    for (const name of ['x', 'y']) {
      shop.write({ [`${name}.txt`]: name }, directory);
      shop.gitIn(directory, 'add', '--all');
      shop.gitIn(directory, 'commit', '--quiet', `--message=Add ${name}`);
    }
    await doAttempt(shop, repository, 'att_2', { 'two.txt': '2\n' });
    await merge({ repository }, 'att_2');
    await merge({ repository }, 'att_1');
    expect(shop.git('log', '-3', '--format=%s|%an', TARGET)).toBe('Add y|Ann\nAdd x|Ann\nDo att_2|Neolith');
    expect(trailer(TARGET, 'Neolith-Attempt')).toBe('att_1');
    expect(trailer(`${TARGET}^`, 'Neolith-Attempt')).toBe('');
  });

  it('is named by trailers also where a branch without them could just move', async () => {
    const { directory } = await beginAttempt(repository, 'att_1');
    shop.write({ 'x.txt': 'x' }, directory);
    shop.gitIn(directory, 'add', '--all');
    shop.gitIn(directory, 'commit', '--quiet', '--message=Add x');
    await merge({ repository }, 'att_1');
    expect(trailer(TARGET, 'Neolith-Attempt')).toBe('att_1');
    expect(shop.git('rev-list', '--count', `main..${TARGET}`)).toBe('1');
  });

  it('is one commit where the agent merged', async () => {
    const { worktree } = await doAttempt(shop, repository, 'att_1', { 'x.txt': 'x' });
    const { directory, branch, baseCommit } = worktree;
    shop.gitIn(directory, 'checkout', '--quiet', '-b', 'side', baseCommit);
    shop.write({ 'side.txt': 's' }, directory);
    shop.gitIn(directory, 'add', '--all');
    shop.gitIn(directory, 'commit', '--quiet', '--message=Side');
    shop.gitIn(directory, 'checkout', '--quiet', branch);
    shop.gitIn(directory, 'merge', '--quiet', '--no-edit', 'side');
    expect((await merge({ repository }, 'att_1')).verdict.kind).toBe('merged');
    expect(shop.git('rev-list', '--merges', '--count', TARGET)).toBe('0');
    expect(files(TARGET)).toContain('side.txt');
    expect(files(TARGET)).toContain('x.txt');
  });

  it('is one commit where a step conflicts and the whole does not', async () => {
    const { directory } = await beginAttempt(repository, 'att_1');
    for (const text of ['1\nTWO\n3\n4\n5\n', '1\n2\n3\n4\n5\nsix\n']) {
      shop.write({ 'shared.txt': text }, directory);
      shop.gitIn(directory, 'commit', '--quiet', '--all', '--message=Step');
    }
    await doAttempt(shop, repository, 'att_2', { 'shared.txt': '1\nzwei\n3\n4\n5\n' });
    await merge({ repository }, 'att_2');
    expect((await merge({ repository }, 'att_1')).verdict.kind).toBe('merged');
    expect(shop.git('show', `${TARGET}:shared.txt`)).toBe('1\nzwei\n3\n4\n5\nsix');
    expect(shop.git('rev-list', '--count', `main..${TARGET}`)).toBe('2');
  });

  it('is nothing where nothing was committed', async () => {
    await beginAttempt(repository, 'att_1');
    const before = tipOf(TARGET);
    const { verdict } = await merge({ repository }, 'att_1');
    expect(verdict).toMatchObject({ kind: 'merged', output: { merge: { commit: null } } });
    expect(tipOf(TARGET)).toBe(before);
  });

  it('runs no hook of the repository', async () => {
    await doAttempt(shop, repository, 'att_1', { 'one.txt': '1\n' }, 'main');
    for (const hook of ['post-merge', 'post-checkout', 'reference-transaction', 'post-index-change']) {
      const path = join(shop.path, '.git/hooks', hook);
      writeFileSync(path, `#!/bin/sh\necho ${hook} >> ${shop.root}/ran\n`);
      chmodSync(path, 0o755);
    }
    expect((await merge({ repository, check: check('true') }, 'att_1')).verdict.kind).toBe('merged');
    expect(existsSync(join(shop.root, 'ran'))).toBe(false);
    shop.git('checkout', '--quiet', '-b', 'by-hand');
    expect(existsSync(join(shop.root, 'ran'))).toBe(true);
  });
});

describe('a conflict', () => {
  it('fails with the files and the lines of both sides, and moves nothing', async () => {
    await doAttempt(shop, repository, 'att_1', { 'shared.txt': '1\nzwei\n3\n4\n5\n' });
    await doAttempt(shop, repository, 'att_2', { 'shared.txt': '1\ndeux\n3\n4\n5\n', 'other.txt': 'x' });
    await merge({ repository }, 'att_1');
    const before = tipOf(TARGET);
    const { verdict } = await merge({ repository }, 'att_2');
    expect(verdict.kind).toBe('failed');
    const { error } = verdict as { error: string };
    expect(error).toContain('- shared.txt');
    expect(error).toContain('<<<<<<< merged meanwhile\nzwei\n=======\ndeux\n>>>>>>> this work');
    expect(error).not.toContain('other.txt');
    expect(tipOf(TARGET)).toBe(before);
  });

  it('is told for what is deleted here and changed there', async () => {
    const { worktree } = await doAttempt(shop, repository, 'att_1', { 'x.txt': 'x' });
    shop.gitIn(worktree.directory, 'rm', '--quiet', 'shared.txt');
    await commitWork(repository, worktree, factsOf('att_1'));
    await doAttempt(shop, repository, 'att_2', { 'shared.txt': 'changed\n' });
    await merge({ repository }, 'att_1');
    const { verdict } = await merge({ repository }, 'att_2');
    expect(verdict).toMatchObject({ kind: 'failed' });
    expect((verdict as { error: string }).error).toContain('CONFLICT (modify/delete): shared.txt');
  });

  it('is told for a branch without common history', async () => {
    const { worktree } = await doAttempt(shop, repository, 'att_1', { 'x.txt': 'x' });
    const orphan = shop.git('commit-tree', '-m', 'orphan', `${worktree.branch}^{tree}`);
    shop.git('update-ref', `refs/heads/${worktree.branch}`, orphan);
    expect((await merge({ repository }, 'att_1')).verdict).toMatchObject({
      kind: 'failed',
      error: expect.stringContaining('no common history'),
    });
  });
});

describe('the check', () => {
  it('runs on the merged result, in a checkout of its own that is gone afterwards', async () => {
    await doAttempt(shop, repository, 'att_1', { 'one.txt': '1\n' });
    await doAttempt(shop, repository, 'att_2', { 'two.txt': '2\n' });
    await merge({ repository }, 'att_1');
    const { verdict, log } = await merge({ repository, check: check('pwd; ls; touch left-over') }, 'att_2');
    expect(verdict.kind).toBe('merged');
    expect(log.slice(1)).toEqual(['README.md', 'one.txt', 'shared.txt', 'two.txt']);
    expect(log[0]).not.toBe(shop.path);
    expect(existsSync(log[0] ?? '')).toBe(false);
    expect(readdirSync(repository.worktreesDirectory).sort()).toEqual(['att_1', 'att_2']);
    expect(shop.git('status', '--porcelain')).toBe('');
  });

  it('keeps red work out, and tells the end of its output', async () => {
    await doAttempt(shop, repository, 'att_1', { 'one.txt': '1\n' });
    const before = tipOf(TARGET);
    const { verdict } = await merge(
      { repository, check: check('echo planted-secret-value; echo 3 of 9 tests failed >&2; exit 3') },
      'att_1',
    );
    expect(verdict.kind).toBe('failed');
    const { error } = verdict as { error: string };
    expect(error).toContain('exited with code 3');
    expect(error).toContain('3 of 9 tests failed');
    expect(error).not.toContain('planted-secret-value');
    expect(tipOf(TARGET)).toBe(before);
    expect(readdirSync(repository.worktreesDirectory)).toEqual(['att_1']);
  });

  it('is red when both are green alone and together they are not', async () => {
    await doAttempt(shop, repository, 'att_1', { 'one.txt': '1\n' });
    await doAttempt(shop, repository, 'att_2', { 'two.txt': '2\n' });
    const notBoth = check('test ! -e one.txt || test ! -e two.txt');
    expect((await merge({ repository, check: notBoth }, 'att_1')).verdict.kind).toBe('merged');
    expect((await merge({ repository, check: notBoth }, 'att_2')).verdict.kind).toBe('failed');
    expect(files(TARGET)).not.toContain('two.txt');
  });

  it('may be a command without a shell, and sees nothing of our secrets', async () => {
    await doAttempt(shop, repository, 'att_1', { 'one.txt': '1\n' });
    const hostEnvironment = {
      PATH: process.env.PATH,
      NEOLITH_TOKEN: 'neo_secret',
      EXTRA: 'shown',
      OTHER: 'hidden',
      DEPLOY_TOKEN: 'correct-horse',
    };
    const environmentNames = ['EXTRA', 'DEPLOY_TOKEN'];
    const { log } = await merge(
      { repository, check: { command: ['env'], hostEnvironment, environmentNames } },
      'att_1',
    );
    expect(log).toEqual(expect.arrayContaining(['EXTRA=shown', 'DEPLOY_TOKEN=[redacted]']));
    expect(log.join()).not.toMatch(/neo_secret|hidden|horse/);
  });

  it('is ended by its time limit', async () => {
    await doAttempt(shop, repository, 'att_1', { 'one.txt': '1\n' });
    const { verdict } = await merge({ repository, check: check('sleep 300') }, 'att_1', {}, 1_500);
    expect(verdict).toMatchObject({ kind: 'failed', error: expect.stringContaining('time limit') });
  });

  it('is ended with all it started when the merge is given up', async () => {
    await doAttempt(shop, repository, 'att_1', { 'one.txt': '1\n' });
    const before = tipOf(TARGET);
    const { run, log } = await startMerge({ repository, check: check('sleep 300 & echo $!; wait') }, 'att_1');
    await waitFor(() => log.length > 0, 'the check');
    run.terminate('shutdown');
    expect(await run.finished).toEqual({ kind: 'terminated' });
    expect(isAlive(Number(log[0]))).toBe(false);
    expect(tipOf(TARGET)).toBe(before);
    expect(readdirSync(repository.worktreesDirectory)).toEqual(['att_1']);
  });
});

describe('a target that moves meanwhile', () => {
  it('is taken as it is then, and checked again', async () => {
    await doAttempt(shop, repository, 'att_1', { 'one.txt': '1\n' });
    await doAttempt(shop, repository, 'att_2', { 'two.txt': '2\n' });
    const marks = join(shop.root, 'marks');
    // Another merger comes in while the first one checks.
    const slow = check(`echo >> ${marks}; while [ ! -e ${shop.root}/go ]; do sleep 0.05; done; ls`);
    const { run, log, warnings } = await startMerge({ repository, check: slow }, 'att_1');
    await waitFor(() => existsSync(marks), 'the check');
    expect((await merge({ repository }, 'att_2')).verdict.kind).toBe('merged');
    writeFileSync(join(shop.root, 'go'), '');
    expect((await run.finished).kind).toBe('merged');
    expect(warnings).toHaveLength(1);
    expect(readFileSync(marks, 'utf8')).toBe('\n\n');
    expect(log.slice(-4)).toEqual(['README.md', 'one.txt', 'shared.txt', 'two.txt']);
    expect(files(TARGET)).toEqual(['README.md', 'one.txt', 'shared.txt', 'two.txt']);
    expect(shop.git('rev-list', '--count', `main..${TARGET}`)).toBe('2');
  });

  it('loses nothing to six mergers at once', async () => {
    const ids = Array.from({ length: 6 }, (_, index) => `att_${index}`);
    for (const id of ids) await doAttempt(shop, repository, id, { [`${id}.txt`]: id });
    const verdicts = await Promise.all(ids.map((id) => merge({ repository }, id)));
    const merged = verdicts.filter(({ verdict }) => verdict.kind === 'merged').length;
    expect(merged).toBeGreaterThanOrEqual(5);
    for (const [index, { verdict }] of verdicts.entries()) {
      expect([verdict.kind, files(TARGET).includes(`${ids[index]}.txt`)]).toEqual(
        verdict.kind === 'merged' ? ['merged', true] : ['refused', false],
      );
    }
    expect(shop.git('rev-list', '--count', `main..${TARGET}`)).toBe(String(merged));
  });
});

describe('a target that is checked out', () => {
  it('moves with its files where they are clean', async () => {
    await doAttempt(shop, repository, 'att_1', { 'one.txt': '1\n' }, 'main');
    shop.write({ 'note.txt': 'mine\n' });
    expect((await merge({ repository }, 'att_1')).verdict.kind).toBe('merged');
    expect(readFileSync(join(shop.path, 'one.txt'), 'utf8')).toBe('1\n');
    expect(shop.git('status', '--porcelain')).toBe('?? note.txt');
    expect(shop.git('symbolic-ref', 'HEAD')).toBe('refs/heads/main');
  });

  it('is refused with uncommitted changes, which stay, and is no fault of the task', async () => {
    await doAttempt(shop, repository, 'att_1', { 'shared.txt': 'theirs\n' }, 'main');
    const before = tipOf('main');
    shop.write({ 'README.md': 'precious\n' });
    const { verdict } = await merge({ repository, check: check(`touch ${shop.root}/checked`) }, 'att_1');
    expect(verdict).toMatchObject({ kind: 'refused', error: expect.stringContaining('README.md') });
    expect(existsSync(join(shop.root, 'checked'))).toBe(false);
    expect(tipOf('main')).toBe(before);
    expect(readFileSync(join(shop.path, 'README.md'), 'utf8')).toBe('precious\n');
    shop.git('checkout', '--quiet', 'README.md');
    expect((await merge({ repository }, 'att_1')).verdict.kind).toBe('merged');
  });

  it.each([
    ['untracked', ''],
    ['ignored', 'secret.env\n'],
  ])('is refused where an %s file is in the way', async (_, ignore) => {
    await doAttempt(shop, repository, 'att_1', { 'secret.env': 'theirs\n' }, 'main');
    writeFileSync(join(shop.path, '.git/info/exclude'), ignore);
    shop.write({ 'secret.env': 'precious\n' });
    const before = tipOf('main');
    expect((await merge({ repository }, 'att_1')).verdict).toMatchObject({
      kind: 'refused',
      error: expect.stringContaining('secret.env'),
    });
    expect(readFileSync(join(shop.path, 'secret.env'), 'utf8')).toBe('precious\n');
    expect([tipOf('main'), shop.git('status', '--porcelain', '--untracked-files=no')]).toEqual([before, '']);
  });

  it('is refused while it is rebased or merged', async () => {
    await doAttempt(shop, repository, 'att_1', { 'one.txt': '1\n' }, 'main');
    shop.git('commit', '--quiet', '--allow-empty', '--message=Later');
    expect(() => shop.git('rebase', '--exec', 'false', '--force-rebase', 'HEAD~1')).toThrow();
    expect((await merge({ repository }, 'att_1')).verdict).toMatchObject({
      kind: 'refused',
      error: expect.stringContaining('rebased'),
    });
    shop.git('rebase', '--abort');
    expect((await merge({ repository }, 'att_1')).verdict.kind).toBe('merged');
  });

  it('is refused when it is gone', async () => {
    await doAttempt(shop, repository, 'att_1', { 'one.txt': '1\n' });
    shop.git('update-ref', '-d', `refs/heads/${TARGET}`);
    expect((await merge({ repository }, 'att_1')).verdict).toMatchObject({ kind: 'refused' });
  });
});

describe('after a crash', () => {
  for (const strategy of ['rebase', 'merge'] as const) {
    it(`between merge and move (${strategy}) nothing has happened, and the next merger does it once`, async () => {
      await doAttempt(shop, repository, 'att_0', { 'zero.txt': '0\n' });
      await doAttempt(shop, repository, 'att_1', { 'one.txt': '1\n' });
      await merge({ repository, strategy }, 'att_0');
      const before = tipOf(TARGET);
      const pidFile = join(shop.root, 'pid');
      const child = startChild(
        {
          job: 'merge',
          repository: {
            path: shop.path,
            worktreesDirectory: shop.worktreesDirectory,
            environment: shop.environment,
          },
          attemptId: 'att_1',
          strategy,
          check: `echo $$ > ${pidFile}.new; mv ${pidFile}.new ${pidFile}; exec sleep 300`,
        },
        shop.environment,
      );
      await waitFor(() => existsSync(pidFile), 'the check');
      child.process.kill('SIGKILL');
      await child.ended;
      process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL');
      expect(tipOf(TARGET)).toBe(before);
      expect((await merge({ repository, strategy }, 'att_1')).verdict).toMatchObject({
        kind: 'merged',
        output: { merge: { alreadyMerged: false } },
      });
      expect(files(TARGET)).toContain('one.txt');
      expect(await findMergedWork(repository, TARGET, { attemptId: 'att_1' })).toHaveLength(
        strategy === 'rebase' ? 1 : 2,
      );
    });

    it(`of one who had merged and could not tell (${strategy}), it is recognised and not done again`, async () => {
      await doAttempt(shop, repository, 'att_0', { 'zero.txt': '0\n' });
      await doAttempt(shop, repository, 'att_1', { 'one.txt': '1\n' });
      await merge({ repository, strategy }, 'att_0');
      await merge({ repository, strategy }, 'att_1');
      const after = tipOf(TARGET);
      const again = await merge({ repository, strategy, check: check('false') }, 'att_1');
      expect(again.verdict).toMatchObject({ kind: 'merged', output: { merge: { alreadyMerged: true } } });
      expect(tipOf(TARGET)).toBe(after);
      const [work] = await findMergedWork(repository, TARGET, { taskId: 'task_att_1' });
      expect(work).toMatchObject({ attemptId: 'att_1', taskId: 'task_att_1' });
    });
  }

  it('work that was added since the merge is not taken for merged', async () => {
    await doAttempt(shop, repository, 'att_0', { 'zero.txt': '0\n' });
    const { worktree } = await doAttempt(shop, repository, 'att_1', { 'one.txt': '1\n' });
    await merge({ repository }, 'att_0');
    await merge({ repository }, 'att_1');
    shop.write({ 'more.txt': 'more\n' }, worktree.directory);
    await commitWork(repository, worktree, factsOf('att_1'));
    await merge({ repository }, 'att_1');
    expect(files(TARGET)).toContain('more.txt');
  });
});

describe('trailers', () => {
  it('of another attempt on a branch keep it out', async () => {
    const { worktree } = await doAttempt(shop, repository, 'att_1', { 'one.txt': '1\n' });
    shop.write({ 'two.txt': '2\n' }, worktree.directory);
    shop.gitIn(worktree.directory, 'add', '--all');
    shop.gitIn(
      worktree.directory,
      'commit',
      '--quiet',
      '--message=Fine words\n\nNeolith-Task: task_other\nNeolith-Attempt: att_other\n',
    );
    const before = tipOf(TARGET);
    expect((await merge({ repository }, 'att_1')).verdict).toMatchObject({
      kind: 'failed',
      error: expect.stringContaining('another attempt'),
    });
    expect(tipOf(TARGET)).toBe(before);
  });

  it('in the agent’s last message are written anew', async () => {
    const { directory } = await beginAttempt(repository, 'att_1');
    shop.write({ 'x.txt': 'x' }, directory);
    shop.gitIn(directory, 'add', '--all');
    shop.gitIn(directory, 'commit', '--quiet', '--message=Add x\n\nNeolith-Task: task_other\nFixes: #1\n');
    expect((await merge({ repository }, 'att_1')).verdict.kind).toBe('merged');
    expect(trailer(TARGET, 'Neolith-Task')).toBe('task_att_1');
  });
});

it('says that an attempt has no worktree', async () => {
  await expect(merge({ repository }, 'att_9')).rejects.toMatchObject({ code: 'ATTEMPT_UNKNOWN' });
  expect(await readAttemptRecord(repository, 'att_9')).toBeNull();
});

it('refuses rather than blames the task when the machine is in trouble', async () => {
  await doAttempt(shop, repository, 'att_1', { 'one.txt': '1\n' });
  const broken = { ...repository, environment: { ...repository.environment, PATH: '/nowhere' } };
  expect((await merge({ repository: broken }, 'att_1')).verdict).toMatchObject({ kind: 'refused' });
});

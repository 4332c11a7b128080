import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GitError } from '../../src/git/gitError.js';
import { makeWorktree } from '../../src/git/makeWorktree.js';
import type { Repository } from '../../src/git/repository.js';
import { resolveTarget } from '../../src/git/resolveTarget.js';
import { startChild } from './support/runChild.js';
import { beginAttempt, makeWorkshop, RUN, type Workshop } from './support/workshop.js';

let shop: Workshop;
let repository: Repository;

beforeEach(async () => {
  shop = makeWorkshop({ 'a.txt': 'a\n', '.gitignore': 'ignored/\n' });
  repository = await shop.open();
});

afterEach(() => shop.remove());

async function failure(promise: Promise<unknown>): Promise<GitError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof GitError) return error;
    throw error;
  }
  throw new Error('It did not fail');
}

describe('making a worktree', () => {
  it('gives each attempt a directory and a branch of its own, at the tip of the target', async () => {
    const target = await resolveTarget(repository, { runId: RUN });
    shop.git('commit', '--quiet', '--allow-empty', '--message=On main only');
    const worktree = await beginAttempt(repository, 'att_0198f1c2-0000-7000-8000-00000000000a');
    expect(worktree).toEqual({
      directory: join(repository.worktreesDirectory, 'att_0198f1c2-0000-7000-8000-00000000000a'),
      branch: 'neolith/attempt_0198f1c2-0000-7000-8000-00000000000a',
      baseCommit: target.commit,
      targetBranch: target.branch,
    });
    expect(readFileSync(join(worktree.directory, 'a.txt'), 'utf8')).toBe('a\n');
    expect(shop.gitIn(worktree.directory, 'symbolic-ref', 'HEAD')).toBe(`refs/heads/${worktree.branch}`);
    expect(shop.gitIn(worktree.directory, 'rev-parse', 'HEAD')).toBe(target.commit);
  });

  it('tracks nothing, whatever git is configured for', async () => {
    shop.git('config', 'branch.autoSetupMerge', 'always');
    const { branch } = await beginAttempt(repository, 'att_1');
    expect(() => shop.git('config', '--get', `branch.${branch}.merge`)).toThrow();
  });

  it('runs no hook of the repository', async () => {
    const hook = join(shop.path, '.git/hooks/post-checkout');
    writeFileSync(hook, `#!/bin/sh\ntouch ${shop.root}/ran\n`);
    chmodSync(hook, 0o755);
    await beginAttempt(repository, 'att_1');
    expect(existsSync(join(shop.root, 'ran'))).toBe(false);
    shop.git('worktree', 'add', '--quiet', join(shop.root, 'by-hand'));
    expect(existsSync(join(shop.root, 'ran'))).toBe(true);
  });

  it.each(['--upload-pack=touch pwned', 'x;$(touch pwned)', '../../etc', 'a/b', '.git', 'a b', ''])(
    'refuses %j as an id',
    async (id) => {
      const { branch } = await resolveTarget(repository, { runId: RUN });
      const ids = { taskId: 'task_1', attemptId: 'att_1', runId: RUN, targetBranch: branch };
      for (const name of ['taskId', 'attemptId', 'runId']) {
        expect((await failure(makeWorktree(repository, { ...ids, [name]: id }))).code).toBe('NAME_INVALID');
      }
      expect((await failure(makeWorktree(repository, { ...ids, targetBranch: id }))).code).toBe(
        'TARGET_NOT_FOUND',
      );
      expect(readdirSync(repository.worktreesDirectory)).toEqual([]);
      expect(existsSync(join(shop.path, 'pwned'))).toBe(false);
    },
  );

  it('refuses an attempt whose directory or branch is there, and leaves it as it is', async () => {
    const worktree = await beginAttempt(repository, 'att_1');
    shop.write({ 'work.txt': 'precious\n' }, worktree.directory);
    expect((await failure(beginAttempt(repository, 'att_1'))).code).toBe('WORKTREE_EXISTS');
    expect(readFileSync(join(worktree.directory, 'work.txt'), 'utf8')).toBe('precious\n');
    mkdirSync(join(repository.worktreesDirectory, 'att_2'));
    writeFileSync(join(repository.worktreesDirectory, 'att_2/found.txt'), 'precious\n');
    expect((await failure(beginAttempt(repository, 'att_2'))).code).toBe('WORKTREE_EXISTS');
    expect(readdirSync(join(repository.worktreesDirectory, 'att_2'))).toEqual(['found.txt']);
  });

  it('leaves nothing when it fails half-way, and the next one works', async () => {
    await resolveTarget(repository, { runId: RUN });
    shop.git('config', 'filter.broken.smudge', 'false');
    shop.git('config', 'filter.broken.required', 'true');
    repository = await shop.open();
    writeFileSync(join(shop.path, '.git/info/attributes'), 'a.txt filter=broken\n');
    expect((await failure(beginAttempt(repository, 'att_1'))).code).toBe('GIT_FAILED');
    expect(readdirSync(repository.worktreesDirectory)).toEqual([]);
    expect(shop.git('branch', '--list', 'neolith/attempt_*')).toBe('');
    expect(shop.git('worktree', 'list', '--porcelain').match(/^worktree /gm)).toHaveLength(1);
    writeFileSync(join(shop.path, '.git/info/attributes'), '');
    await beginAttempt(repository, 'att_1');
  });

  it('names the lock of a git that was cut off, and the remedy', async () => {
    const { branch } = await resolveTarget(repository, { runId: RUN });
    const lock = join(shop.path, '.git/refs/heads/neolith/attempt_1.lock');
    mkdirSync(join(lock, '..'), { recursive: true });
    writeFileSync(lock, '');
    const error = await failure(
      makeWorktree(repository, { taskId: 'task_1', attemptId: 'att_1', runId: RUN, targetBranch: branch }),
    );
    expect(error.code).toBe('REPOSITORY_LOCKED');
    expect(error.message).toContain('attempt_1');
    expect(error.failureClass).toBe('infrastructure');
  });

  it('leaves submodules empty', async () => {
    const part = makeWorkshop({ 'part.txt': 'part\n' });
    try {
      shop.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', part.path, 'part');
      shop.git('commit', '--quiet', '--message=Add part');
      const { directory } = await beginAttempt(repository, 'att_1');
      expect(readdirSync(join(directory, 'part'))).toEqual([]);
    } finally {
      part.remove();
    }
  });
});

it('makes eight worktrees at once from eight processes, none lost and none in the way of another', async () => {
  const ids = Array.from({ length: 8 }, (_, index) => `att_${index}`);
  const children = ids.map((attemptId) =>
    startChild(
      {
        job: 'make',
        repository: {
          path: shop.path,
          worktreesDirectory: shop.worktreesDirectory,
          environment: shop.environment,
        },
        runId: RUN,
        attemptId,
      },
      shop.environment,
    ),
  );
  const made = await Promise.all(children.map((child) => child.result));
  expect(made).toHaveLength(8);
  expect(readdirSync(repository.worktreesDirectory).sort()).toEqual(ids);
  expect(shop.git('branch', '--list', 'neolith/attempt_*').split('\n')).toHaveLength(8);
  expect(shop.git('worktree', 'list').split('\n')).toHaveLength(9);
  for (const id of ids) {
    expect(shop.gitIn(join(repository.worktreesDirectory, id), 'status', '--porcelain')).toBe('');
  }
  expect(readdirSync(join(shop.path, '.git/neolith')).sort()).toEqual(['attempts']);
});

/** Of the system, not of a package. */
const tools = { mount: 'mount', unmount: 'umount' };
const canMount = process.platform === 'linux' && process.getuid?.() === 0;

it.skipIf(!canMount)(
  'fails for one task alone on a full disk, with the reason, and leaves nothing',
  async () => {
    const disk = join(shop.root, 'disk');
    mkdirSync(disk);
    try {
      execFileSync(tools.mount, ['-t', 'tmpfs', '-o', 'size=1m,mode=0700', 'tmpfs', disk], {
        stdio: 'ignore',
      });
    } catch {
      // In a container that may not mount there is no full disk to be had.
      console.warn('skipped: this machine lets us mount no small disk');
      return;
    }
    try {
      shop.write({ 'big.bin': 'x'.repeat(600_000) });
      shop.git('add', '--all');
      shop.git('commit', '--quiet', '--message=Big');
      const { openRepository } = await import('../../src/git/openRepository.js');
      const small = await openRepository({
        path: shop.path,
        worktreesDirectory: join(disk, 'worktrees'),
        environment: shop.environment,
      });
      await beginAttempt(small, 'att_1');
      const error = await failure(beginAttempt(small, 'att_2'));
      expect(error.code).toBe('DISK_FULL');
      expect(error.message).toContain('Free some');
      expect(readdirSync(small.worktreesDirectory)).toEqual(['att_1']);
      expect(shop.git('branch', '--list', 'neolith/attempt_*').split('\n')).toHaveLength(1);
      expect(shop.gitIn(join(small.worktreesDirectory, 'att_1'), 'status', '--porcelain')).toBe('');
    } finally {
      execFileSync(tools.unmount, [disk]);
    }
  },
);

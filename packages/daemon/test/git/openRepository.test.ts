import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GitError } from '../../src/git/gitError.js';
import { type OpenRepositoryInput, openRepository } from '../../src/git/openRepository.js';
import { resolveTarget } from '../../src/git/resolveTarget.js';
import { makeWorkshop, RUN, type Workshop } from './support/workshop.js';

let shop: Workshop;

beforeEach(() => {
  shop = makeWorkshop();
});

afterEach(() => shop.remove());

const open = (input: Partial<OpenRepositoryInput> = {}) =>
  openRepository({
    path: shop.path,
    worktreesDirectory: shop.worktreesDirectory,
    environment: shop.environment,
    ...input,
  });

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof GitError) return error.code;
    throw error;
  }
  return 'no error';
}

describe('opening', () => {
  it('finds the repository from a directory in it, and keeps its worktrees in a private one outside', async () => {
    mkdirSync(join(shop.path, 'src/deep'), { recursive: true });
    const repository = await open({ path: join(shop.path, 'src/deep') });
    expect(repository).toMatchObject({
      path: shop.path,
      openedPath: shop.path,
      gitDirectory: join(shop.path, '.git'),
      identity: { name: 'Neolith', email: 'neolith@localhost' },
    });
    expect(repository.worktreesDirectory.startsWith(`${shop.worktreesDirectory}/project-`)).toBe(true);
    expect(statSync(repository.worktreesDirectory).mode & 0o777).toBe(0o700);
  });

  it('takes who git is configured for, else who was given', async () => {
    shop.git('config', 'user.name', 'Bea');
    expect((await open()).identity.name).toBe('Neolith');
    shop.git('config', 'user.email', 'bea@example.org');
    expect((await open()).identity).toEqual({ name: 'Bea', email: 'bea@example.org' });
    const identity = { name: 'Robot', email: 'robot@example.org' };
    expect((await open({ identity })).identity).toEqual(identity);
  });

  it('begins at the HEAD of the worktree that was opened', async () => {
    const other = join(shop.root, 'other');
    shop.git('worktree', 'add', '--quiet', '-b', 'feature', other);
    shop.write({ 'feature.txt': 'new\n' }, other);
    shop.gitIn(other, 'add', '--all');
    shop.gitIn(other, 'commit', '--quiet', '--message=Feature');
    const repository = await open({ path: other });
    expect([repository.path, repository.openedPath]).toEqual([shop.path, other]);
    const target = await resolveTarget(repository, { runId: RUN });
    expect(target.commit).toBe(shop.git('rev-parse', 'feature'));
  });

  it('keeps two repositories of one name apart', async () => {
    const second = makeWorkshop();
    try {
      const [a, b] = [await open(), await open({ path: second.path })];
      expect(a.worktreesDirectory).not.toBe(b.worktreesDirectory);
    } finally {
      second.remove();
    }
  });
});

describe('refusing', () => {
  it('says what is wrong with the repository', async () => {
    const plain = mkdtempSync(join(tmpdir(), 'neolith-plain-'));
    try {
      expect(await codeOf(open({ path: plain }))).toBe('NOT_A_REPOSITORY');
      expect(await codeOf(open({ path: join(plain, 'absent') }))).toBe('NOT_A_REPOSITORY');
      shop.gitIn(plain, 'init', '--quiet');
      expect(await codeOf(open({ path: plain }))).toBe('REPOSITORY_EMPTY');
      const bare = join(plain, 'bare.git');
      shop.git('clone', '--quiet', '--bare', '.', bare);
      expect(await codeOf(open({ path: bare }))).toBe('REPOSITORY_BARE');
      const ofBare = join(plain, 'of-bare');
      shop.gitIn(bare, 'worktree', 'add', '--quiet', ofBare, 'main');
      expect(await codeOf(open({ path: ofBare }))).toBe('REPOSITORY_BARE');
      expect(await codeOf(open({ path: join(shop.path, '.git') }))).toBe('NOT_A_REPOSITORY');
    } finally {
      rmSync(plain, { recursive: true, force: true });
    }
  });

  it('wants a git that can test merges', async () => {
    const bin = join(shop.root, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'git'), '#!/bin/sh\necho git version 2.37.9\n');
    chmodSync(join(bin, 'git'), 0o755);
    expect(await codeOf(open({ environment: { ...shop.environment, PATH: `${bin}:/usr/bin:/bin` } }))).toBe(
      'GIT_TOO_OLD',
    );
  });

  it('does not let the repository be swapped by variables of the environment', async () => {
    const second = makeWorkshop();
    try {
      const environment = {
        ...shop.environment,
        GIT_DIR: join(second.path, '.git'),
        GIT_WORK_TREE: second.path,
      };
      expect((await open({ environment })).path).toBe(shop.path);
    } finally {
      second.remove();
    }
  });

  it('wants the worktrees outside of the repository, also by way of links', async () => {
    expect(await codeOf(open({ worktreesDirectory: join(shop.path, 'worktrees') }))).toBe(
      'DIRECTORY_UNUSABLE',
    );
    expect(await codeOf(open({ worktreesDirectory: join(shop.path, '.git/worktrees') }))).toBe(
      'DIRECTORY_UNUSABLE',
    );
    expect(shop.git('status', '--porcelain')).toBe('');
    symlinkSync(shop.path, join(shop.root, 'alias'));
    expect(await codeOf(open({ worktreesDirectory: join(shop.root, 'alias/worktrees') }))).toBe(
      'DIRECTORY_UNUSABLE',
    );
    expect(shop.git('status', '--porcelain')).toBe('');
  });

  it('wants a directory for worktrees that nobody else can swap', async () => {
    const real = join(shop.root, 'real');
    mkdirSync(real, { mode: 0o700 });
    symlinkSync(real, join(shop.root, 'link'));
    expect(await codeOf(open({ worktreesDirectory: join(shop.root, 'link') }))).toBe('DIRECTORY_UNUSABLE');
    chmodSync(real, 0o777);
    expect(await codeOf(open({ worktreesDirectory: real }))).toBe('DIRECTORY_UNUSABLE');
    writeFileSync(join(shop.root, 'file'), '');
    expect(await codeOf(open({ worktreesDirectory: join(shop.root, 'file') }))).toBe('DIRECTORY_UNUSABLE');
  });
});

describe('the target branch', () => {
  it('is one of the run, made at HEAD once, and the checkout stays as it is', async () => {
    const repository = await open();
    const first = await resolveTarget(repository, { runId: 'run_0198f1c2-0000-7000-8000-000000000001' });
    expect(first.branch).toBe('neolith/run_0198f1c2-0000-7000-8000-000000000001');
    expect(first.commit).toBe(shop.git('rev-parse', 'main'));
    shop.git('commit', '--quiet', '--allow-empty', '--message=Later');
    const again = await resolveTarget(repository, { runId: 'run_0198f1c2-0000-7000-8000-000000000001' });
    expect(again).toEqual(first);
    expect(shop.git('symbolic-ref', 'HEAD')).toBe('refs/heads/main');
    expect(shop.git('status', '--porcelain')).toBe('');
  });

  it('is made once, however many ask at once', async () => {
    const repository = await open();
    const targets = await Promise.all(
      Array.from({ length: 6 }, () => resolveTarget(repository, { runId: RUN })),
    );
    expect(new Set(targets.map((target) => `${target.branch} ${target.commit}`)).size).toBe(1);
  });

  it('may be a branch that exists', async () => {
    const repository = await open();
    expect((await resolveTarget(repository, { runId: RUN, branch: 'main' })).branch).toBe('main');
  });

  it.each([
    ['--upload-pack=touch pwned', 'NAME_INVALID'],
    ['-d', 'NAME_INVALID'],
    ['x;$(touch pwned)', 'NAME_INVALID'],
    ['x;$(touch>pwned)', 'TARGET_NOT_FOUND'],
    ['../../etc', 'NAME_INVALID'],
    ['a\nb', 'NAME_INVALID'],
    ['a\0b', 'NAME_INVALID'],
    ['refs/heads/main', 'NAME_INVALID'],
    ['@{-1}', 'NAME_INVALID'],
    ['main~1', 'NAME_INVALID'],
    ['absent', 'TARGET_NOT_FOUND'],
    ['neolith/attempt_x', 'TARGET_UNUSABLE'],
  ])('is refused as %j with %s', async (branch, code) => {
    const repository = await open();
    expect(await codeOf(resolveTarget(repository, { runId: RUN, branch }))).toBe(code);
  });

  it('is refused where it only stands for another, or can not be made', async () => {
    const repository = await open();
    shop.git('symbolic-ref', 'refs/heads/alias', 'refs/heads/main');
    expect(await codeOf(resolveTarget(repository, { runId: RUN, branch: 'alias' }))).toBe('TARGET_UNUSABLE');
    shop.git('branch', 'neolith');
    expect(await codeOf(resolveTarget(repository, { runId: RUN }))).toBe('TARGET_UNUSABLE');
    expect(await codeOf(resolveTarget(repository, { runId: '../x' }))).toBe('NAME_INVALID');
  });
});

import { existsSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removeWorktree } from '../../src/git/cleanup.js';
import { pruneResults } from '../../src/git/pruneResults.js';
import type { Repository } from '../../src/git/repository.js';
import {
  type CachedResult,
  computeCacheKey,
  forgetResult,
  lookUpResult,
  reuseResult,
  storeResult,
} from '../../src/git/resultCache.js';
import {
  beginAttempt,
  doAttempt,
  factsOf,
  makeWorkshop,
  merge,
  RUN,
  type Workshop,
} from './support/workshop.js';

const PARTS = {
  prompt: 'FENCE-1234 Do it in /work/att_1 FENCE-1234',
  volatile: ['FENCE-1234', '/work/att_1', 'att_1'],
  inputs: { a: 1, b: [1, 2] },
  baseCommit: 'f'.repeat(40),
  agent: 'claude',
  model: null,
};

describe('the key', () => {
  it('is the same for the same task, whatever its fence, place and order of inputs', () => {
    const other = {
      ...PARTS,
      prompt: 'FENCE-9876 Do it in /work/att_2 FENCE-9876',
      volatile: ['att_2', 'FENCE-9876', '/work/att_2'],
      inputs: { b: [1, 2], a: 1 },
    };
    expect(computeCacheKey(other)).toBe(computeCacheKey(PARTS));
    expect(computeCacheKey(PARTS)).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    ['prompt', { prompt: 'FENCE-1234 Do it better in /work/att_1 FENCE-1234' }],
    ['inputs', { inputs: { a: 1, b: [2, 1] } }],
    ['base', { baseCommit: 'e'.repeat(40) }],
    ['agent', { agent: 'codex' }],
    ['model', { model: 'large' }],
  ])('is another one with another %s', (_, change) => {
    expect(computeCacheKey({ ...PARTS, ...change })).not.toBe(computeCacheKey(PARTS));
  });
});

describe('a result', () => {
  const key = computeCacheKey(PARTS);
  let shop: Workshop;
  let repository: Repository;
  let stored: Pick<CachedResult, 'commit' | 'baseCommit' | 'output' | 'taskId' | 'attemptId'>;

  beforeEach(async () => {
    shop = makeWorkshop({ 'a.txt': 'a\n' });
    repository = await shop.open();
    const { worktree, work } = await doAttempt(shop, repository, 'att_1', {
      'one.txt': '1\n',
      'a.txt': 'A\n',
    });
    stored = {
      commit: work.commit,
      baseCommit: worktree.baseCommit,
      output: { summary: 'done' },
      taskId: 'task_1',
      attemptId: 'att_1',
    };
    await storeResult(repository, key, stored);
  });

  afterEach(() => shop.remove());

  const file = () => join(repository.cacheDirectory, `${key}.json`);
  const found = async () => {
    const lookup = await lookUpResult(repository, key);
    if (lookup.kind === 'miss') throw new Error(`missed: ${lookup.reason}`);
    return lookup.result;
  };

  it('is found again, in files of ours alone', async () => {
    expect(await found()).toMatchObject({ ...stored, key });
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(file().startsWith(join(shop.root, 'cache/'))).toBe(true);
    expect(await lookUpResult(repository, computeCacheKey({ ...PARTS, agent: 'codex' }))).toEqual({
      kind: 'miss',
    });
  });

  it('is put into a new worktree as a commit of the new attempt, and says whose it was', async () => {
    const worktree = await beginAttempt(repository, 'att_2');
    const { work, output, reusedFrom } = await reuseResult(
      repository,
      worktree,
      factsOf('att_2'),
      await found(),
    );
    expect(work).toEqual({
      commit: shop.git('rev-parse', worktree.branch),
      files: 2,
      insertions: 2,
      deletions: 1,
    });
    expect(reusedFrom).toMatchObject({ taskId: 'task_1', attemptId: 'att_1', commit: stored.commit });
    expect(output).toEqual({ summary: 'done', reusedFrom });
    expect(readFileSync(join(worktree.directory, 'a.txt'), 'utf8')).toBe('A\n');
    expect(shop.gitIn(worktree.directory, 'status', '--porcelain')).toBe('');
    const trailers = shop.git('show', '-s', '--format=%(trailers:only)', worktree.branch);
    expect(trailers).toContain('Neolith-Attempt: att_2');
    expect(trailers).toContain('Neolith-Reused-From: att_1');
    expect((await merge({ repository }, 'att_2')).verdict.kind).toBe('merged');
    expect(shop.git('show', `neolith/${RUN}:one.txt`)).toBe('1');
  });

  it('outlives its worktree and branch, and garbage collection', async () => {
    await merge({ repository }, 'att_1');
    await removeWorktree(repository, { attemptId: 'att_1' });
    shop.git('update-ref', '-d', `refs/heads/neolith/${RUN}`);
    shop.git('reflog', 'expire', '--expire=now', '--all');
    shop.git('gc', '--quiet', '--prune=now');
    const worktree = await beginAttempt(repository, 'att_2');
    expect((await reuseResult(repository, worktree, factsOf('att_2'), await found())).work.files).toBe(2);
  });

  it('may be that nothing had to be done', async () => {
    await storeResult(repository, key, { ...stored, commit: null, output: null });
    const worktree = await beginAttempt(repository, 'att_2');
    const { work, output, reusedFrom } = await reuseResult(
      repository,
      worktree,
      factsOf('att_2'),
      await found(),
    );
    expect([work.commit, output]).toEqual([null, { reusedFrom }]);
  });

  it.each<[string, (path: string) => void]>([
    ['a damaged file', (path) => writeFileSync(path, '{"form')],
    ['a changed output', (path) => writeFileSync(path, readFileSync(path, 'utf8').replace('done', 'evil'))],
    ['a lost commit', () => shop.git('update-ref', '-d', `refs/neolith/cache/${key}`)],
    ['another commit', () => shop.git('update-ref', `refs/neolith/cache/${key}`, 'main')],
  ])('is not used with %s', async (_, spoil) => {
    spoil(file());
    expect(await lookUpResult(repository, key)).toEqual({ kind: 'miss', reason: expect.any(String) });
  });

  it('is not put over work, nor on another base', async () => {
    const worktree = await beginAttempt(repository, 'att_2');
    shop.write({ 'mine.txt': 'precious\n' }, worktree.directory);
    const result = await found();
    await expect(reuseResult(repository, worktree, factsOf('att_2'), result)).rejects.toMatchObject({
      code: 'WORKTREE_DIRTY',
    });
    expect(readFileSync(join(worktree.directory, 'mine.txt'), 'utf8')).toBe('precious\n');
    await merge({ repository }, 'att_1');
    const later = await beginAttempt(repository, 'att_3');
    await expect(reuseResult(repository, later, factsOf('att_3'), result)).rejects.toMatchObject({
      code: 'CACHE_UNUSABLE',
    });
  });

  it('is forgotten when told to', async () => {
    await forgetResult(repository, key);
    await forgetResult(repository, key);
    expect(existsSync(file())).toBe(false);
    expect(shop.git('for-each-ref', 'refs/neolith')).toBe('');
    expect(await lookUpResult(repository, key)).toEqual({ kind: 'miss' });
  });

  it('goes when it is too old, or one of too many, with its ref', async () => {
    const keyOf = (n: number) => n.toString(16).padStart(64, '0');
    const pathOf = (n: number) => join(repository.cacheDirectory, `${keyOf(n)}.json`);
    await forgetResult(repository, key);
    for (const n of [1, 2, 3, 4]) {
      await storeResult(repository, keyOf(n), stored);
      const at = new Date(Date.now() - n * 10 * 24 * 60 * 60_000);
      utimesSync(pathOf(n), at, at);
    }
    // Left by one who was killed between the two.
    shop.git('update-ref', `refs/neolith/cache/${keyOf(9)}`, 'main');
    expect(await pruneResults(repository, { now: new Date(Date.now() - 60_000) })).toBe(2);
    const left = () => [1, 2, 3, 4].filter((n) => existsSync(pathOf(n)));
    expect(left()).toEqual([1, 2, 3]);
    expect(await pruneResults(repository, { resultsMax: 2 })).toBe(1);
    expect(left()).toEqual([1, 2]);
    expect(shop.git('for-each-ref', '--format=%(refname)', 'refs/neolith').split('\n')).toEqual(
      [1, 2].map((n) => `refs/neolith/cache/${keyOf(n)}`),
    );
    expect((await lookUpResult(repository, keyOf(1))).kind).toBe('hit');
  });

  it.each(['../../etc/passwd', '', 'x'.repeat(64)])('is not looked for under the name %j', async (name) => {
    await expect(lookUpResult(repository, name)).rejects.toMatchObject({ code: 'NAME_INVALID' });
  });
});

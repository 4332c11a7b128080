import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { releaseWorktree } from '../../src/git/attemptRecord.js';
import { removeWorktree } from '../../src/git/cleanup.js';
import type { AttemptWorktree, Repository } from '../../src/git/repository.js';
import { doAttempt, makeWorkshop, merge, RUN, type Workshop } from './support/workshop.js';

const TARGET = `neolith/${RUN}`;

let shop: Workshop;
let repository: Repository;
let worktree: AttemptWorktree;

/** One attempt whose work is committed and not merged. */
beforeEach(async () => {
  shop = makeWorkshop({ 'a.txt': 'a\n' });
  repository = await shop.open();
  ({ worktree } = await doAttempt(shop, repository, 'att_1', { 'one.txt': '1\n' }));
});

afterEach(() => shop.remove());

const FORGERIES: Record<string, (target: string, tip: string) => void> = {
  'a replacement of the target': (target, tip) => {
    const tree = shop.git('rev-parse', `${target}^{tree}`);
    const forged = shop.git('commit-tree', tree, '-p', tip, '-m', 'Forged');
    shop.git('replace', target, forged);
  },
  'a graft': (target, tip) => {
    mkdirSync(join(repository.gitDirectory, 'info'), { recursive: true });
    writeFileSync(join(repository.gitDirectory, 'info/grafts'), `${target} ${tip}\n`);
  },
};

it.each(Object.keys(FORGERIES))(
  '%s does not pass work off as merged: it is kept, and merged for real',
  async (kind) => {
    const target = shop.git('rev-parse', TARGET);
    FORGERIES[kind]?.(target, shop.git('rev-parse', worktree.branch));
    // The forgery is one: whoever obeys it sees the work in the target.
    expect(() => shop.git('merge-base', '--is-ancestor', worktree.branch, TARGET)).not.toThrow();
    await releaseWorktree(repository, 'att_1');
    expect(await removeWorktree(repository, { attemptId: 'att_1' })).toMatchObject({ reason: 'UNMERGED' });
    expect(existsSync(worktree.directory)).toBe(true);
    const { verdict } = await merge({ repository }, 'att_1');
    expect(verdict).toMatchObject({ kind: 'merged', output: { merge: { alreadyMerged: false } } });
    expect(shop.git('--no-replace-objects', 'ls-tree', '--name-only', TARGET)).toContain('one.txt');
  },
);

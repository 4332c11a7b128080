import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { releaseWorktree } from '../../src/git/attemptRecord.js';
import { planCleanup } from '../../src/git/cleanup.js';
import { commitWork } from '../../src/git/commitWork.js';
import { isProgramKey } from '../../src/git/programKeys.js';
import type { AttemptWorktree, Repository } from '../../src/git/repository.js';
import {
  beginAttempt,
  doAttempt,
  factsOf,
  makeWorkshop,
  merge,
  RUN,
  type Workshop,
} from './support/workshop.js';

let shop: Workshop;
let repository: Repository;
let worktree: AttemptWorktree;
let program: string;

/** An attempt is going on; `program` leaves a mark when it is run. */
beforeEach(async () => {
  shop = makeWorkshop({ 'a.txt': 'a\n' });
  program = join(shop.root, 'program');
  writeFileSync(program, `#!/bin/sh\ntouch ${join(shop.root, 'ran')}\ncat\n`);
  chmodSync(program, 0o755);
  repository = await shop.open();
  worktree = await beginAttempt(repository, 'att_1');
});

afterEach(() => shop.remove());

const ran = () => existsSync(join(shop.root, 'ran'));
const agent = (...args: string[]) => shop.gitIn(worktree.directory, ...args);
const write = (files: Record<string, string>) => shop.write(files, worktree.directory);
const commit = () => commitWork(repository, worktree, factsOf('att_1'));

async function expectRefused(name: string, remedy = 'start the daemon again'): Promise<void> {
  const refusal: unknown = await commit().catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: 'CONFIGURATION_CHANGED', failureClass: 'infrastructure' });
  expect((refusal as Error).message).toContain(name);
  expect((refusal as Error).message).toContain(remedy);
  expect(ran()).toBe(false);
}

describe('a program that an agent planted', () => {
  beforeEach(() => write({ '.gitattributes': '*.txt filter=evil merge=evil\n', 'b.txt': 'b\n' }));

  it('is not run by the commit when it is a filter, and the refusal names the key', async () => {
    agent('config', 'filter.evil.clean', program);
    await expectRefused('filter.evil.clean');
    expect(readFileSync(join(worktree.directory, 'b.txt'), 'utf8')).toBe('b\n');
    // Taken out again, the work goes on.
    shop.git('config', '--unset', 'filter.evil.clean');
    expect((await commit()).files).toBe(2);
  });

  it('is not run from the configuration of the worktree alone', async () => {
    agent('config', 'extensions.worktreeConfig', 'true');
    agent('config', '--worktree', 'filter.evil.clean', program);
    await expectRefused('filter.evil.clean', 'git worktree remove');
  });

  it('is not run from a file that is included, whatever the condition', async () => {
    writeFileSync(join(shop.root, 'more'), `[filter "evil"]\n\tclean = ${program}\n`);
    agent('config', `includeIf.gitdir:${repository.gitDirectory}/.path`, join(shop.root, 'more'));
    await expectRefused('filter.evil.clean');
  });

  it('is not run from another directory that git is led to', async () => {
    const admin = agent('rev-parse', '--absolute-git-dir');
    const elsewhere = join(shop.root, 'elsewhere');
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, 'config'), `[filter "evil"]\n\tclean = ${program}\n`);
    writeFileSync(join(admin, 'commondir'), `${elsewhere}\n`);
    await expectRefused('commondir', 'Remove it');
  });

  it('is not run by a merge, which waits until it is gone', async () => {
    await commit();
    shop.git('config', 'merge.evil.driver', `${program} %A`);
    const { verdict } = await merge({ repository }, 'att_1');
    expect(verdict).toMatchObject({ kind: 'refused', error: expect.stringContaining('merge.evil.driver') });
    expect(ran()).toBe(false);
    shop.git('config', '--unset', 'merge.evil.driver');
    expect((await merge({ repository }, 'att_1')).verdict.kind).toBe('merged');
  });

  it('is not run when it was planted while the merged result was checked', async () => {
    await commit();
    const command = `git config filter.evil.smudge ${program}`;
    const check = { command, hostEnvironment: { ...process.env, ...shop.environment } };
    const before = shop.git('rev-parse', `neolith/${RUN}`);
    const { verdict } = await merge({ repository, check }, 'att_1');
    expect(verdict).toMatchObject({ kind: 'refused', error: expect.stringContaining('filter.evil.smudge') });
    expect([ran(), shop.git('rev-parse', `neolith/${RUN}`)]).toEqual([false, before]);
  });

  it('is not run when another worktree is written out', async () => {
    await commit();
    await merge({ repository }, 'att_1');
    shop.git('config', 'filter.evil.smudge', program);
    await expect(beginAttempt(repository, 'att_2')).rejects.toMatchObject({ code: 'CONFIGURATION_CHANGED' });
    expect([ran(), existsSync(join(repository.worktreesDirectory, 'att_2'))]).toEqual([false, false]);
  });

  it('is not run by a clean-up, also in another process', async () => {
    await commit();
    await merge({ repository }, 'att_1');
    await releaseWorktree(repository, 'att_1');
    write({ 'a.txt': 'changed\n' });
    shop.git('config', 'filter.evil.clean', program);
    const plan = await planCleanup(await shop.open(), { activeAttemptIds: [] });
    expect(plan.kept).toMatchObject([
      { reason: 'TAMPERED', message: expect.stringContaining('filter.evil.clean') },
    ]);
    expect(ran()).toBe(false);
  });
});

it('minds neither what was configured before, nor keys by which nothing is run', async () => {
  shop.git('config', 'filter.mine.clean', program);
  const opened = await shop.open();
  const { worktree: mine } = await doAttempt(shop, opened, 'att_5', { 'x.txt': 'x\n' });
  shop.gitIn(mine.directory, 'config', 'user.name', 'An agent');
  shop.gitIn(mine.directory, 'config', 'remote.origin.url', 'https://example.org/x');
  shop.gitIn(mine.directory, 'config', 'branch.main.remote', 'origin');
  shop.gitIn(mine.directory, 'config', 'core.hooksPath', '.husky');
  write({ '.gitattributes': '*.txt filter=mine\n', 'y.txt': 'y\n' });
  shop.write({ '.gitattributes': '*.txt filter=mine\n', 'y.txt': 'y\n' }, mine.directory);
  expect((await commitWork(opened, mine, factsOf('att_5'))).files).toBe(3);
  // The user's own is run as ever.
  expect(ran()).toBe(true);
});

describe('a merged worktree of a daemon before', () => {
  beforeEach(async () => {
    write({ 'b.txt': 'b\n' });
    await commit();
    expect((await merge({ repository }, 'att_1')).verdict.kind).toBe('merged');
    await releaseWorktree(repository, 'att_1');
  });
  const plan = async (opened: Repository) => planCleanup(opened, { activeAttemptIds: [] });

  it('goes once the daemon was started again, after the user changed keys of his own commands', async () => {
    shop.git('config', 'alias.co', 'checkout');
    shop.git('config', 'mergetool.mine.cmd', 'mine');
    const kept = (await plan(repository)).kept[0];
    expect(kept).toMatchObject({ reason: 'TAMPERED', message: expect.stringContaining('alias.co') });
    expect(kept?.message).toContain('start the daemon again');
    const { removable, kept: left } = await plan(await shop.open());
    expect([removable.map(({ attemptId }) => attemptId), left]).toEqual([['att_1'], []]);
  });

  it('stays after a change by which git would run a program on it, and says what to do then', async () => {
    shop.git('config', 'filter.mine.clean', program);
    shop.git('config', 'alias.co', 'checkout');
    const message = (await plan(await shop.open())).kept[0]?.message;
    expect(message).toContain('filter.mine.clean');
    expect(message).toContain('git worktree remove --force');
    expect(message).not.toMatch(/alias|start the daemon again/);
    // As it says.
    shop.git('config', '--unset', 'filter.mine.clean');
    expect((await plan(await shop.open())).removable).toHaveLength(1);
  });
});

it.each([
  ['alias.st', 'core.sshcommand', 'core.worktree', 'credential.helper', 'diff.external', 'diff.x.textconv'],
  ['filter.a.b.process', 'gpg.ssh.program', 'include.path', 'includeif.onbranch:x.path', 'merge.x.driver'],
  ['remote.origin.uploadpack', 'remote.a.url.vcs', 'submodule.x.update', 'trailer.x.cmd', 'pull.twohead'],
  ['url.ext::sh.insteadof', 'branch.main.mergeoptions', 'lfs.customtransfer.x.path', 'new.thing.command'],
])('counts %s and %s among keys that run programs', (...names) => {
  expect(names.filter((name) => !isProgramKey(name))).toEqual([]);
});

it('counts harmless ones not', () => {
  const names = ['user.email', 'core.autocrlf', 'core.hookspath', 'remote.origin.fetch', 'branch.main.merge'];
  const more = ['advice.detachedhead', 'diff.algorithm', 'merge.conflictstyle', 'pull.rebase', 'gc.auto'];
  expect([...names, ...more].filter(isProgramKey)).toEqual([]);
});

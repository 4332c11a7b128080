import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { adoptWorktree } from '../../src/git/adoptWorktree.js';
import {
  handOffWorktree,
  listAttemptRecords,
  readAttemptRecord,
  removeAttemptRecord,
  takeBackWorktree,
  writeAttemptRecord,
} from '../../src/git/attemptRecord.js';
import { applyCleanup, planCleanup, removeWorktree } from '../../src/git/cleanup.js';
import { commitWork } from '../../src/git/commitWork.js';
import { describeOwnLife, type ProcessLife } from '../../src/git/processLife.js';
import type { AttemptWorktree, Repository } from '../../src/git/repository.js';
import { supersedeAttempts } from '../../src/git/supersede.js';
import { describeDaemonLife } from '../../src/process/strays.js';
import { gitWorkplace } from '../../src/worker/gitWorkplace.js';
import { beginAttempt, factsOf, makeWorkshop, merge, RUN, type Workshop } from './support/workshop.js';

const TASK = 'task_drawn';
const TARGET = `neolith/${RUN}`;

let shop: Workshop;
let repository: Repository;
let place: AttemptWorktree;

/** Handed to a person, who committed one file and left another. */
beforeEach(async () => {
  shop = makeWorkshop();
  repository = await shop.open();
  place = await beginAttempt(repository, 'att_1', { taskId: TASK });
  await handOffWorktree(repository, 'att_1');
  shop.write({ 'committed.txt': '1\n' }, place.directory);
  shop.gitIn(place.directory, 'add', '--all');
  shop.gitIn(place.directory, 'commit', '--quiet', '--message=By a person');
  shop.write({ 'lying.txt': '2\n' }, place.directory);
});

afterEach(() => shop.remove());

const branches = () =>
  shop.git('branch', '--list', '--format=%(refname:short)', 'neolith/attempt_*').split('\n').filter(Boolean);
const head = () => shop.gitIn(place.directory, 'symbolic-ref', '--short', 'HEAD');
const adopt = (attemptId: string, taskId = TASK) => adoptWorktree(repository, { taskId, attemptId });

/** Of a process that has ended. */
async function deadLife(): Promise<ProcessLife> {
  const child = spawn('sleep', ['30']);
  const life = await describeDaemonLife('git', child.pid ?? 0);
  child.kill('SIGKILL');
  await once(child, 'exit');
  return { place: (await describeOwnLife()).place, life };
}

/** Takes it over as `attemptId`, and has everything of it merged. */
async function expectAllMerged(attemptId: string): Promise<void> {
  const adopted = await adopt(attemptId);
  expect(adopted).toEqual({ ...place, branch: `neolith/attempt_${attemptId.slice(4)}` });
  expect(readFileSync(join(place.directory, 'lying.txt'), 'utf8')).toBe('2\n');
  expect(branches()).toEqual([adopted?.branch]);
  expect(head()).toBe(adopted?.branch);
  expect((await listAttemptRecords(repository)).map((record) => record.attemptId)).toEqual([attemptId]);
  const facts = factsOf(attemptId, { taskId: TASK });
  const { commit } = await commitWork(repository, adopted as AttemptWorktree, facts);
  expect(commit).not.toBeNull();
  expect((await merge({ repository }, attemptId)).verdict.kind).toBe('merged');
  const names = shop.git('ls-tree', '-r', '--name-only', TARGET).split('\n');
  expect(names).toEqual(expect.arrayContaining(['committed.txt', 'lying.txt']));
  await takeBackWorktree(repository, attemptId);
  expect(await removeWorktree(repository, { attemptId })).toBeNull();
  expect([branches(), readdirSync(repository.worktreesDirectory)]).toEqual([[], []]);
}

it('gives the next attempt the place of a person, with what is committed there and what is not', async () => {
  await expectAllMerged('att_2');
  expect(shop.git('log', '-1', '--format=%(trailers:key=Neolith-Attempt,valueonly)', TARGET)).toBe('att_2');
});

it('takes over what a person left on a branch of their own', async () => {
  shop.gitIn(place.directory, 'checkout', '--quiet', '-b', 'mine');
  const adopted = await adopt('att_2');
  expect(head()).toBe('mine');
  const facts = factsOf('att_2', { taskId: TASK });
  expect((await commitWork(repository, adopted as AttemptWorktree, facts)).files).toBe(2);
  expect((await merge({ repository }, 'att_2')).verdict.kind).toBe('merged');
});

it.each([
  ['the new record was written', 1],
  ['the new branch was made', 2],
  ['the new branch was checked out', 3],
  ['the old branch was removed', 4],
  ['the old record was removed', 5],
])('loses nothing when it is cut off after %s', async (_what, steps) => {
  const before = await readAttemptRecord(repository, 'att_1');
  if (before === null) throw new Error('There is no record.');
  const branch = 'neolith/attempt_2';
  const owner = await deadLife();
  await writeAttemptRecord(repository, {
    ...before,
    attemptId: 'att_2',
    branch,
    owner,
    earlierAttemptIds: ['att_1'],
  });
  if (steps > 1) shop.git('branch', '--no-track', branch, before.branch);
  if (steps > 2) shop.gitIn(place.directory, 'symbolic-ref', 'HEAD', `refs/heads/${branch}`);
  if (steps > 3) shop.git('branch', '-D', before.branch);
  if (steps > 4) await removeAttemptRecord(repository, 'att_1');
  // The person goes on, not knowing of it.
  shop.gitIn(place.directory, 'commit', '--quiet', '--allow-empty', '--message=Further');
  const further = shop.gitIn(place.directory, 'rev-parse', 'HEAD');
  await applyCleanup(repository, await planCleanup(repository, { activeAttemptIds: [] }));
  expect(existsSync(join(place.directory, 'lying.txt'))).toBe(true);
  await expectAllMerged('att_3');
  expect(shop.git('log', '--format=%s', TARGET)).toContain('Further');
  expect(further).not.toBe(before.baseCommit);
});

it('takes over what an attempt committed that was cut off before its merge', async () => {
  const adopted = await adopt('att_2');
  const facts = factsOf('att_2', { taskId: TASK });
  await commitWork(repository, adopted as AttemptWorktree, facts);
  const record = await readAttemptRecord(repository, 'att_2');
  if (record === null) throw new Error('There is no record.');
  await writeAttemptRecord(repository, { ...record, owner: await deadLife() });
  await expectAllMerged('att_3');
});

it('knows work again that the attempt before had merged and could not tell', async () => {
  const adopted = await adopt('att_2');
  await commitWork(repository, adopted as AttemptWorktree, factsOf('att_2', { taskId: TASK }));
  shop.git('checkout', '--quiet', TARGET);
  shop.git('commit', '--quiet', '--allow-empty', '--message=Meanwhile');
  shop.git('checkout', '--quiet', 'main');
  expect((await merge({ repository }, 'att_2')).verdict.kind).toBe('merged');
  const record = await readAttemptRecord(repository, 'att_2');
  if (record === null) throw new Error('There is no record.');
  await writeAttemptRecord(repository, { ...record, owner: await deadLife() });
  await adopt('att_3');
  const tip = shop.git('rev-parse', TARGET);
  expect((await merge({ repository }, 'att_3')).verdict).toMatchObject({
    output: { merge: { alreadyMerged: true } },
  });
  expect(shop.git('rev-parse', TARGET)).toBe(tip);
  await takeBackWorktree(repository, 'att_3');
  expect(await removeWorktree(repository, { attemptId: 'att_3' })).toBeNull();
});

it.each([
  ['with a record of what git ran', false],
  ['with a record of before that was kept', true],
])('is not fooled by a program that was planted there meanwhile: %s', async (_what, isOld) => {
  const record = await readAttemptRecord(repository, 'att_1');
  if (record === null) throw new Error('There is no record.');
  if (isOld) await writeAttemptRecord(repository, { ...record, programs: null });
  const mark = join(shop.root, 'ran');
  shop.git('config', 'extensions.worktreeConfig', 'true');
  shop.gitIn(place.directory, 'config', '--worktree', 'filter.x.clean', `touch ${mark}; cat`);
  mkdirSync(join(repository.gitDirectory, 'info'), { recursive: true });
  writeFileSync(join(repository.gitDirectory, 'info', 'attributes'), '* filter=x\n');
  // Also by a daemon that was started since.
  for (const opened of [repository, await shop.open()]) {
    await expect(adoptWorktree(opened, { taskId: TASK, attemptId: 'att_2' })).rejects.toMatchObject({
      code: 'CONFIGURATION_CHANGED',
      message: expect.stringContaining('filter.x.clean'),
    });
  }
  expect([existsSync(mark), branches(), head()]).toEqual([false, [place.branch], place.branch]);
  shop.gitIn(place.directory, 'config', '--worktree', '--unset', 'filter.x.clean');
  await expectAllMerged('att_3');
});

it('takes nothing from an attempt that still holds it, and gives it none', async () => {
  const adopted = await adopt('att_2');
  await expect(adopt('att_3')).rejects.toMatchObject({ code: 'REPOSITORY_BUSY' });
  const facts = factsOf('att_1', { taskId: TASK });
  // The one that was overtaken can't commit there any more.
  await expect(commitWork(repository, place, facts)).rejects.toMatchObject({ code: 'ATTEMPT_UNKNOWN' });
  expect(
    (await commitWork(repository, adopted as AttemptWorktree, { ...facts, attemptId: 'att_2' })).files,
  ).toBe(2);
});

it('leaves alone what was not handed off, what is of another task, and what is not there any more', async () => {
  expect(await adopt('att_2', 'task_other')).toBeNull();
  await beginAttempt(repository, 'att_7', { taskId: 'task_7' });
  expect(await adopt('att_8', 'task_7')).toBeNull();
  shop.git('worktree', 'remove', '--force', place.directory);
  expect(await adopt('att_2')).toBeNull();
  const plan = await planCleanup(repository, { activeAttemptIds: [] });
  expect(plan.kept.map(({ reason }) => reason)).toContain('UNMERGED');
});

it('waits no longer than its task, and goes then as every other would', async () => {
  await beginAttempt(repository, 'att_5', { taskId: 'task_5' });
  await handOffWorktree(repository, 'att_5');
  const input = { activeAttemptIds: [], endedTaskIds: ['task_5', TASK] };
  const waiting = await planCleanup(repository, { ...input, endedTaskIds: [] });
  expect(waiting.kept.map(({ reason }) => reason)).toEqual(['HANDED_OFF', 'HANDED_OFF']);
  const { removed, kept } = await applyCleanup(repository, await planCleanup(repository, input));
  expect(removed.map(({ attemptId }) => attemptId)).toEqual(['att_5']);
  expect(kept).toMatchObject([{ attemptId: 'att_1', reason: 'DIRTY' }]);
});

it('is judged like every other worktree once another attempt has done the task', async () => {
  const worktree = await beginAttempt(repository, 'att_9', { taskId: TASK });
  shop.write({ 'other.txt': 'x\n' }, worktree.directory);
  await commitWork(repository, worktree, factsOf('att_9', { taskId: TASK }));
  expect((await merge({ repository }, 'att_9')).verdict.kind).toBe('merged');
  await supersedeAttempts(repository, { taskId: TASK, byAttemptId: 'att_9' });
  expect(await removeWorktree(repository, { attemptId: 'att_1' })).toMatchObject({ reason: 'DIRTY' });
  shop.gitIn(place.directory, 'add', '--all');
  shop.gitIn(place.directory, 'commit', '--quiet', '--message=All');
  await supersedeAttempts(repository, { taskId: TASK, byAttemptId: 'att_9' });
  expect(await removeWorktree(repository, { attemptId: 'att_1' })).toBeNull();
});

it('supersedes no attempt that is held by a living process, be it this one', async () => {
  const merged = await beginAttempt(repository, 'att_9', { taskId: TASK });
  shop.write({ 'other.txt': 'x\n' }, merged.directory);
  await commitWork(repository, merged, factsOf('att_9', { taskId: TASK }));
  expect((await merge({ repository }, 'att_9')).verdict.kind).toBe('merged');
  await beginAttempt(repository, 'att_10', { taskId: TASK });
  const supersede = () => supersedeAttempts(repository, { taskId: TASK, byAttemptId: 'att_9' });
  expect(await supersede()).toEqual(['att_1']);
  const record = await readAttemptRecord(repository, 'att_10');
  if (record === null) throw new Error('There is no record.');
  // Of a daemon that was killed it is.
  await writeAttemptRecord(repository, { ...record, owner: await deadLife() });
  expect((await supersede()).sort()).toEqual(['att_1', 'att_10']);
});

it('keeps the place of an attempt that has just begun when another at the same task is closed', async () => {
  const workplace = gitWorkplace({ repository, targetBranch: null });
  const facts = { taskId: 'task_twice', runId: RUN, title: 'Twice', agent: 'shell' };
  const open = (attemptId: string) => workplace.open({ ...facts, attemptId, attemptDirectory: shop.root });
  const first = await open('att_21');
  shop.write({ 'first.txt': '1\n' }, first.directory);
  await first.commit();
  expect((await merge({ repository }, 'att_21', { taskId: 'task_twice' })).verdict.kind).toBe('merged');
  const second = await open('att_22');
  expect(await first.close({ done: true })).toEqual({ kept: null });
  expect(existsSync(first.directory)).toBe(false);
  expect(existsSync(join(second.directory, 'first.txt'))).toBe(true);
});

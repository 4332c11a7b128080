import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { GitError } from '../../src/git/gitError.js';
import { describeOwnLife } from '../../src/git/processLife.js';
import { withRepositoryLock } from '../../src/git/repositoryLock.js';
import { describeDaemonLife } from '../../src/process/strays.js';
import { makeWorkshop, type Workshop } from './support/workshop.js';

let shop: Workshop;
let place: { gitDirectory: string };
let directory: string;
let lock: string;

beforeEach(() => {
  shop = makeWorkshop();
  place = { gitDirectory: join(shop.path, '.git') };
  directory = join(place.gitDirectory, 'neolith');
  lock = join(directory, 'worktrees.lock');
  mkdirSync(directory);
});

afterEach(() => shop.remove());

const TOKENS = ['a', 'b'].map((letter) => `${letter.repeat(8)}-0000-4000-8000-000000000000`);

/** A lock that another left behind. */
async function leaveLock(file: string, owner: { token?: string | undefined; life: string; place?: string }) {
  const own = await describeOwnLife();
  writeFileSync(file, JSON.stringify({ token: TOKENS[0], pid: 1, place: own.place, ...owner }));
}

/** The life of a process that has ended. */
async function endedLife(): Promise<string> {
  const child = spawn('sleep', ['60']);
  const life = await describeDaemonLife('git', child.pid ?? 0);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
  return life;
}

it('lets one in at a time, in order, and is gone afterwards', async () => {
  const order: number[] = [];
  let inside = 0;
  await Promise.all(
    [1, 2, 3, 4].map((number) =>
      withRepositoryLock(place, async () => {
        inside += 1;
        expect(inside).toBe(1);
        await new Promise((resolve) => setImmediate(resolve));
        order.push(number);
        inside -= 1;
      }),
    ),
  );
  expect(order).toEqual([1, 2, 3, 4]);
  expect(readdirSync(directory)).toEqual([]);
});

it('is given back when the work fails', async () => {
  await expect(withRepositoryLock(place, () => Promise.reject(new Error('no luck')))).rejects.toThrow(
    'no luck',
  );
  expect(existsSync(lock)).toBe(false);
  expect(await withRepositoryLock(place, async () => 'again')).toBe('again');
});

it('takes over what a dead process left', async () => {
  await leaveLock(lock, { life: await endedLife() });
  expect(await withRepositoryLock(place, async () => 'mine', { waitMs: 5_000 })).toBe('mine');
  expect(readdirSync(directory)).toEqual([]);
});

it('takes over from one who died while he took over', async () => {
  const life = await endedLife();
  await leaveLock(lock, { life, token: TOKENS[0] });
  await leaveLock(`${lock}.${TOKENS[0]}.next`, { life, token: TOKENS[1] });
  expect(await withRepositoryLock(place, async () => 'mine', { waitMs: 5_000 })).toBe('mine');
  expect(readdirSync(directory)).toEqual([]);
});

it('never takes it from a process that lives, and names it', async () => {
  await leaveLock(lock, { life: (await describeOwnLife()).life });
  const before = readFileSync(lock, 'utf8');
  const error = await withRepositoryLock(place, async () => 'mine', { waitMs: 1_500 }).catch(
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(GitError);
  expect((error as GitError).code).toBe('REPOSITORY_BUSY');
  expect((error as GitError).message).toContain('process 1');
  expect(readFileSync(lock, 'utf8')).toBe(before);
});

it('takes it from another machine only when it was not touched for long', async () => {
  await leaveLock(lock, { life: 'git:1.1', place: 'elsewhere' });
  const fresh = withRepositoryLock(place, async () => 'mine', { waitMs: 100, foreignLeftAfterMs: 60_000 });
  await expect(fresh).rejects.toMatchObject({ code: 'REPOSITORY_BUSY' });
  const past = new Date(Date.now() - 120_000);
  utimesSync(lock, past, past);
  const later = withRepositoryLock(place, async () => 'mine', { waitMs: 5_000, foreignLeftAfterMs: 60_000 });
  expect(await later).toBe('mine');
});

it('is never held by two, though many find it left at the same moment', async () => {
  await leaveLock(lock, { life: await endedLife() });
  const log = join(shop.root, 'log');
  writeFileSync(log, '');
  const script = `
    import { appendFileSync } from 'node:fs';
    import { setTimeout as sleep } from 'node:timers/promises';
    import { withRepositoryLock } from '${new URL('../../dist/git/repositoryLock.js', import.meta.url).href}';
    for (let turn = 0; turn < 4; turn += 1) {
      await withRepositoryLock({ gitDirectory: process.argv[1] }, async () => {
        appendFileSync(process.argv[2], 'in ' + process.pid + '\\n');
        await sleep(2);
        appendFileSync(process.argv[2], 'out ' + process.pid + '\\n');
      });
    }`;
  const children = Array.from({ length: 6 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', script, place.gitDirectory, log], {
      stdio: 'inherit',
    }),
  );
  const codes = await Promise.all(
    children.map((child) => new Promise((resolve) => child.once('close', (code) => resolve(code)))),
  );
  expect(codes).toEqual([0, 0, 0, 0, 0, 0]);
  const lines = readFileSync(log, 'utf8').trim().split('\n');
  expect(lines).toHaveLength(6 * 4 * 2);
  for (let index = 0; index < lines.length; index += 2) {
    expect(lines[index + 1]).toBe(lines[index]?.replace('in', 'out'));
  }
  expect(spawnSync('ls', [directory], { encoding: 'utf8' }).stdout).toBe('');
});

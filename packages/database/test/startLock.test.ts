import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processIdentity } from '../src/embedded/processIdentity.js';
import { takeOver, withStartLock } from '../src/embedded/startLock.js';
import { until } from './support/until.js';

let directory: string;
let lockFile: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'neolith-lock-'));
  lockFile = join(directory, 'start.lock');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

// Above every process id there is.
const DEAD_PID = 2 ** 30;

async function leaveLockOf(holder: object): Promise<void> {
  await writeFile(lockFile, JSON.stringify({ token: 'left behind', ...processIdentity(), ...holder }));
}

/** Runs `count` holders at once, and says how many were inside together at most and in all. */
async function contend(count: number, options?: { silentMs: number }) {
  let inside = 0;
  let most = 0;
  let total = 0;
  const visit = async () => {
    inside++;
    most = Math.max(most, inside);
    total++;
    await readdir(directory);
    await nextTurn();
    inside--;
  };
  await Promise.all(Array.from({ length: count }, () => withStartLock(lockFile, visit, options)));
  return { most, total };
}

test('one at a time is inside, and everybody gets in', async () => {
  expect(await contend(12)).toEqual({ most: 1, total: 12 });
  expect(await readdir(directory)).toEqual([]);
});

test('the lock of a process that has ended is taken over at once, by one at a time', async () => {
  await leaveLockOf({ pid: DEAD_PID });
  expect(await contend(12)).toEqual({ most: 1, total: 12 });
  expect(await readdir(directory)).toEqual([]);
});

test('a takeover decided on an old look leaves the lock of the one who was faster', async () => {
  const dead = { token: 'dead', ...processIdentity(), pid: DEAD_PID };
  await leaveLockOf({ token: 'faster' });
  const prepared = join(directory, 'prepared');
  await writeFile(prepared, JSON.stringify({ token: 'slower', ...processIdentity() }));
  expect(await takeOver(lockFile, prepared, dead)).toBe(false);
  expect(JSON.parse(await readFile(lockFile, 'utf8'))).toMatchObject({ token: 'faster' });
});

test('a holder on another machine that falls silent is taken over', async () => {
  await leaveLockOf({ processSpace: 'another machine' });
  expect(await contend(4, { silentMs: 300 })).toEqual({ most: 1, total: 4 });
});

test('a living holder is waited for, however long it works', async () => {
  let release: (() => void) | undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const order: string[] = [];
  const first = withStartLock(lockFile, async () => {
    await held;
    order.push('first');
  });
  await until('the first is inside', () => readFile(lockFile, 'utf8').catch(() => undefined));
  const second = withStartLock(lockFile, async () => {
    order.push('second');
  });
  await until('the second waits', async () => (await readdir(directory)).length === 2);
  release?.();
  await Promise.all([first, second]);
  expect(order).toEqual(['first', 'second']);
});

test('a takeover that was cut off does not stop the next one', async () => {
  await leaveLockOf({ pid: DEAD_PID });
  await writeFile(
    `${lockFile}.takeover`,
    JSON.stringify({ token: 'cut off', ...processIdentity(), pid: DEAD_PID }),
  );
  expect(await contend(3)).toEqual({ most: 1, total: 3 });
});

test('the lock is given back when the work fails', async () => {
  await expect(withStartLock(lockFile, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await readdir(directory)).toEqual([]);
});

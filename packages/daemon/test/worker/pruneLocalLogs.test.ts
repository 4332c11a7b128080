import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { pruneLocalLogs } from '../../src/worker/pruneLocalLogs.js';

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'neolith-logs-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const NOW = Date.parse('2026-11-20T12:00:00Z');
const nameOf = (n: number) => `att_00000000-0000-7000-8000-00000000000${n}.log`;

async function file(name: string, daysAgo: number, bytes = 10): Promise<string> {
  await writeFile(join(directory, name), 'x'.repeat(bytes));
  const at = new Date(NOW - daysAgo * 86_400_000);
  await utimes(join(directory, name), at, at);
  return name;
}

it('removes logs that are too old, and nothing that is no log of an attempt', async () => {
  const young = await file(nameOf(1), 13);
  await file(nameOf(2), 15);
  await file(`${nameOf(3)}.tail`, 15);
  await file(`${nameOf(3)}.tail-before`, 15);
  const others = [await file('notes.log', 99), await file('att_x.log', 99)];
  await mkdir(join(directory, 'att_directory.log'));
  expect(await pruneLocalLogs(directory, { nowMs: NOW })).toBe(3);
  expect((await readdir(directory)).sort()).toEqual([young, ...others, 'att_directory.log'].sort());
  expect(await pruneLocalLogs(directory, { nowMs: NOW })).toBe(0);
});

it('removes the oldest where they are too many', async () => {
  for (const n of [1, 2, 3, 4]) await file(nameOf(n), n, 1_000);
  expect(await pruneLocalLogs(directory, { nowMs: NOW, bytesMax: 2_500 })).toBe(2);
  expect((await readdir(directory)).sort()).toEqual([nameOf(1), nameOf(2)]);
});

it('has nothing to do where there is no directory', async () => {
  expect(await pruneLocalLogs(join(directory, 'none'))).toBe(0);
});

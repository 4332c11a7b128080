import { afterEach, describe, expect, it } from 'vitest';
import { parseStatCpu, parseStatusMemory, readLinuxUsage } from '../../src/process/linuxProcesses.js';
import type { ProcessUsage, TreeUsage } from '../../src/process/processUsage.js';
import { parsePsUsage, readPsUsage } from '../../src/process/psProcesses.js';
import type { SupervisedProcess } from '../../src/process/superviseProcess.js';
import {
  type HealthWatch,
  type Look,
  type ProcessHealth,
  wasActive,
  watchHealth,
} from '../../src/process/watchHealth.js';
import { isAlive, readPids, waitFor } from './processes.js';
import { superviseFixture, superviseShell } from './supervise.js';

const watches: HealthWatch[] = [];

afterEach(() => {
  for (const watch of watches.splice(0)) watch.stop();
});

/** Watches with short times, and keeps what it is told. */
function watch(child: SupervisedProcess, options: Parameters<typeof watchHealth>[1] = {}) {
  const looks: ProcessHealth[] = [];
  const stalls: ProcessHealth[] = [];
  const made = watchHealth(child, {
    everyMs: 40,
    onHealth: (health) => looks.push(health),
    onStalled: (health) => stalls.push(health),
    ...options,
  });
  watches.push(made);
  return { looks, stalls, watch: made };
}

describe('a process that does nothing any more', () => {
  it('is ended as stalled, with children in sessions of their own', async () => {
    const child = superviseFixture('forker.mjs', { args: ['setsid', 'setsid-bare', 'same-group'] });
    await waitFor(() => child.lines.some(({ text }) => text === 'all started'), 'its children');
    const pids = readPids(child.lines.map(({ text }) => text).join('\n'));
    expect(pids).toHaveLength(3);
    const { stalls } = watch(child, { stalledAfterMs: 400 });
    const outcome = await child.exited;
    expect(outcome).toMatchObject({ kind: 'terminated', reason: 'stalled', survivors: [] });
    expect(pids.filter(isAlive)).toEqual([]);
    expect(stalls).toHaveLength(1);
    expect(stalls[0]?.idleMs).toBeGreaterThanOrEqual(400);
    expect(stalls[0]?.processes).toBeGreaterThan(1);
  });

  it('is left alone where stalling is not looked for, and by default for a quarter of an hour', async () => {
    for (const options of [{ stalledAfterMs: null }, {}]) {
      const child = superviseShell('exec sleep 1000');
      const { looks, stalls } = watch(child, options);
      await waitFor(() => (looks.at(-1)?.idleMs ?? 0) > 600, 'it to be idle');
      expect(stalls).toEqual([]);
      expect(isAlive(child.pid as number)).toBe(true);
      expect((await child.terminate('shutdown')).kind).toBe('terminated');
    }
  });
});

describe('a process that does something', () => {
  it('in silence, on the processor, is not stalled', async () => {
    const child = superviseFixture('worker.mjs', { args: ['1500'] });
    const { looks, stalls } = watch(child, { stalledAfterMs: 400 });
    expect(await child.exited).toMatchObject({ kind: 'exited', code: 0 });
    expect(stalls).toEqual([]);
    expect(Math.max(...looks.map(({ silentMs }) => silentMs))).toBeGreaterThan(400);
    expect(Math.max(...looks.map(({ cpuShare }) => cpuShare))).toBeGreaterThan(0.2);
    // Not the last look alone: it may see the process gone already.
    expect(Math.max(...looks.map(({ cpuMs }) => cpuMs))).toBeGreaterThan(200);
  });

  it('by printing, or by starting others, is not stalled', async () => {
    for (const step of ['printf .', '/bin/true']) {
      const child = superviseShell(`for n in 1 2 3 4 5 6 7 8 9 10; do sleep 0.15; ${step}; done`);
      const { stalls } = watch(child, { stalledAfterMs: 600, idleCpuShare: 1_000 });
      expect(await child.exited).toMatchObject({ kind: 'exited', code: 0 });
      expect(stalls).toEqual([]);
    }
  });
});

it('what a whole tree uses is seen, and nothing after its end', async () => {
  const child = superviseFixture('memory.mjs', { args: ['120'] });
  const { looks, watch: watched } = watch(child);
  await waitFor(() => child.lines.some(({ text }) => text.startsWith('holding')), 'the memory to be held');
  await waitFor(() => (watched.latest()?.memoryBytes ?? 0) > 150 * 1024 * 1024, 'the memory to be seen');
  expect(watched.latest()).toMatchObject({ processes: 2 });
  expect(watched.latest()?.cpuMs).toBeGreaterThan(20);
  await child.terminate('shutdown');
  const seen = looks.length;
  expect((await child.usage()).keys).toEqual([]);
  // Another one is looked at meanwhile: had this one's looks gone on, there would be more of them, too.
  const other = watch(superviseShell('exec sleep 1000'));
  await waitFor(() => other.looks.length > 4, 'looks at another one');
  expect(looks.length).toBe(seen);
});

it('a soft time limit is told once, and ends nothing', async () => {
  const child = superviseShell('exec sleep 1000');
  const told: number[] = [];
  const { looks } = watch(child, { softTimeoutMs: 150, onSoftTimeout: (runningMs) => told.push(runningMs) });
  await waitFor(() => (looks.at(-1)?.runningMs ?? 0) > 600, 'it to run on');
  expect(told).toHaveLength(1);
  expect(told[0]).toBeGreaterThanOrEqual(140);
  expect(isAlive(child.pid as number)).toBe(true);
});

it('a program that could not be started is not watched', async () => {
  const child = superviseFixture('no-such-file.mjs', { cwd: '/nowhere' });
  const { looks, watch: watched } = watch(child, { softTimeoutMs: 1 });
  await child.exited;
  expect(watched.latest()).toBeNull();
  expect(looks).toEqual([]);
});

/** A process that can't be looked at, or whose time jumps: no real one does so when a test wants it. */
function scripted(usages: (() => Promise<TreeUsage>)[]): SupervisedProcess & { ended: string[] } {
  const ended: string[] = [];
  let at = 0;
  return {
    pid: 1,
    ended,
    exited: new Promise(() => undefined),
    terminate: (reason) => {
      ended.push(reason);
      return new Promise(() => undefined);
    },
    usage: () => (usages[at++] ?? usages.at(-1) ?? (() => Promise.reject(new Error('none'))))(),
    lastOutputMs: () => null,
  };
}

const quiet: TreeUsage = { cpuMs: 5, memoryBytes: 1, keys: ['1.1'] };

it('what can not be looked at is not taken for stalled, and what callbacks throw ends nothing', async () => {
  const problems: string[] = [];
  const fails = () => Promise.reject(new Error('no ps'));
  const child = scripted([fails]);
  watch(child, { everyMs: 10, stalledAfterMs: 50, onProblem: ({ message }) => problems.push(message) });
  await waitFor(() => problems.length > 15, 'many looks');
  expect(new Set(problems)).toEqual(new Set(['no ps']));
  expect(child.ended).toEqual([]);

  const thrown: string[] = [];
  const other = scripted([() => Promise.resolve(quiet)]);
  watch(other, {
    everyMs: 10,
    stalledAfterMs: 50,
    onHealth: () => {
      throw new Error('the listener');
    },
    onStalled: () => {
      throw new Error('the other listener');
    },
    onProblem: ({ message }) => thrown.push(message),
  });
  await waitFor(() => other.ended.length > 0, 'it to be ended');
  expect(other.ended).toEqual(['stalled']);
  expect(thrown.at(-1)).toBe('the other listener');
});

it('a watch that was held up does not count the time as idle', async () => {
  const child = scripted([() => Promise.resolve(quiet)]);
  const { looks, stalls } = watch(child, { everyMs: 20, stalledAfterMs: 600 });
  await waitFor(() => looks.length > 2, 'some looks');
  // As a process that was stopped and goes on: its timers are all late.
  const until = performance.now() + 900;
  while (performance.now() < until);
  const before = looks.length;
  await waitFor(() => looks.length > before + 1, 'the looks to go on');
  expect(stalls).toEqual([]);
  expect(looks.at(-1)?.idleMs).toBeLessThan(500);
});

it('activity is output, another set of processes, or time on the processor', () => {
  const look = (change: Partial<Omit<Look, 'usage'> & TreeUsage> = {}): Look => {
    const { atMs = 1_000, lastOutputMs = null, ...usage } = change;
    return { atMs, lastOutputMs, usage: { ...quiet, ...usage } };
  };
  const before = look({ atMs: 0 });
  expect(wasActive(before, look(), 0.005)).toBe(false);
  expect(wasActive(before, look({ lastOutputMs: 7 }), 0.005)).toBe(true);
  expect(wasActive(before, look({ keys: ['1.1', '2.2'] }), 0.005)).toBe(true);
  expect(wasActive(before, look({ cpuMs: 9 }), 0.005)).toBe(false);
  expect(wasActive(before, look({ cpuMs: 10 }), 0.005)).toBe(true);
  // What an ended child had used has left the sum.
  expect(wasActive(before, look({ cpuMs: 0 }), 0.005)).toBe(true);
  expect(wasActive(before, look({ memoryBytes: 9 }), 0.005)).toBe(false);
});

describe('what the system tells', () => {
  it('is read from /proc on Linux, names with blanks and parentheses included', () => {
    const stat = '12 (a) b (c) S 1 12 12 0 -1 4194560 5 0 0 0 150 50 30 20 20 0 1 0 777 1 2';
    expect(parseStatCpu(stat)).toBe(2_500);
    expect(parseStatCpu('12 (a) S 1')).toBeNull();
    expect(parseStatusMemory('Name:\ta\nVmPeak:\t 99 kB\nVmRSS:\t    1234 kB\n')).toBe(1_234 * 1_024);
    expect(parseStatusMemory('Name:\tzombie\n')).toBe(0);
  });

  it('is read from ps elsewhere', () => {
    const text = '    1   2048   0:01.50\n  22  10 12:03:04\n 333  7 2-01:00:00\n4 x 0:00\n\n';
    expect(parsePsUsage(text)).toEqual(
      new Map<number, ProcessUsage>([
        [1, { cpuMs: 1_500, memoryBytes: 2_048 * 1_024 }],
        [22, { cpuMs: 43_384_000, memoryBytes: 10_240 }],
        [333, { cpuMs: 176_400_000, memoryBytes: 7_168 }],
      ]),
    );
  });

  it('is the same either way, about', async () => {
    const ps = (await readPsUsage([process.pid, 2 ** 22 + 1])).get(process.pid);
    expect(ps?.memoryBytes).toBeGreaterThan(1_000_000);
    if (process.platform !== 'linux') return;
    const proc = (await readLinuxUsage([process.pid, 2 ** 22 + 1])).get(process.pid);
    expect(Math.abs((proc?.cpuMs ?? 0) - (ps?.cpuMs ?? 0))).toBeLessThan(3_000);
    expect((proc?.memoryBytes ?? 0) / (ps?.memoryBytes ?? 1)).toBeGreaterThan(0.5);
  });
});

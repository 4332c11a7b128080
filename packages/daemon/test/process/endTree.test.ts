import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { afterEach, expect, it } from 'vitest';
import { isAlive, readPids, waitFor } from './processes.js';
import { FIXTURES, type Supervision, superviseFixture, superviseShell } from './supervise.js';

const bystanders: ChildProcess[] = [];

afterEach(() => {
  for (const bystander of bystanders.splice(0)) bystander.kill('SIGKILL');
});

const text = (child: Supervision): string => child.lines.map((line) => line.text).join('\n');

async function waitForChildren(child: Supervision): Promise<number[]> {
  await waitFor(() => text(child).includes('all started'), 'the fixture to start its children');
  return readPids(text(child));
}

it('ends a tree with children in the group, in sessions of their own, and without environment', async () => {
  const child = superviseFixture('forker.mjs', { args: ['same-group', 'setsid', 'setsid-bare', 'stubborn'] });
  const pids = await waitForChildren(child);
  expect(pids).toHaveLength(4);
  expect(pids.filter(isAlive)).toEqual(pids);

  const startedMs = performance.now();
  const outcome = await child.terminate('cancelled');
  const tookMs = performance.now() - startedMs;

  expect(pids.filter(isAlive)).toEqual([]);
  expect(isAlive(child.pid ?? 0)).toBe(false);
  expect(outcome).toMatchObject({ kind: 'terminated', reason: 'cancelled', survivors: [] });
  expect(outcome.endedDescendants).toBe(5);
  expect(tookMs).toBeGreaterThanOrEqual(390);
  expect(tookMs).toBeLessThan(1_400);
});

it('is quick when all obey TERM', async () => {
  const child = superviseFixture('forker.mjs', { args: ['same-group', 'setsid'], graceMs: 10_000 });
  await waitForChildren(child);
  const startedMs = performance.now();
  await child.terminate('shutdown');
  expect(performance.now() - startedMs).toBeLessThan(5_000);
});

it('kills what ignores TERM, after the grace time and not before', async () => {
  const child = superviseFixture('sleeper.mjs', { args: ['ignore-term'], graceMs: 600 });
  await waitFor(() => text(child).includes('ready'), 'the sleeper');
  const startedMs = performance.now();
  const outcome = await child.terminate('cancelled');
  const tookMs = performance.now() - startedMs;
  expect(outcome).toMatchObject({ kind: 'terminated', reason: 'cancelled' });
  expect(tookMs).toBeGreaterThanOrEqual(590);
  expect(tookMs).toBeLessThan(1_600);
  expect(text(child).match(/TERM ignored/g)).toHaveLength(1);
});

it('brings the KILL forward when asked again with a shorter grace, and keeps the first reason', async () => {
  const child = superviseFixture('sleeper.mjs', { args: ['ignore-term'], graceMs: 20_000 });
  await waitFor(() => text(child).includes('ready'), 'the sleeper');
  const first = child.terminate('cancelled');
  await waitFor(() => text(child).includes('TERM ignored'), 'the first TERM');
  const second = await child.terminate('shutdown', { graceMs: 0 });
  expect(second).toMatchObject({ kind: 'terminated', reason: 'cancelled' });
  expect(await first).toBe(second);
});

it('ends a stopped process', async () => {
  const child = superviseFixture('sleeper.mjs', { graceMs: 10_000 });
  await waitFor(() => text(child).includes('ready'), 'the sleeper');
  process.kill(child.pid ?? 0, 'SIGSTOP');
  const startedMs = performance.now();
  expect(await child.terminate('cancelled')).toMatchObject({ kind: 'terminated' });
  expect(performance.now() - startedMs).toBeLessThan(5_000);
});

it('ends the tree at the time limit and tells it from a cancel', async () => {
  const child = superviseFixture('forker.mjs', { args: ['setsid'], timeoutMs: 1_000 });
  const outcome = await child.exited;
  expect(outcome).toMatchObject({ kind: 'timed_out', timeoutMs: 1_000, survivors: [] });
  expect(readPids(text(child)).filter(isAlive)).toEqual([]);
});

it('settles on the exit though a grandchild holds stdout, and ends the grandchild', async () => {
  const child = superviseFixture('hold-stdout.mjs', { timeoutMs: null });
  const outcome = await child.exited;
  expect(outcome).toMatchObject({ kind: 'exited', code: 0, endedDescendants: 1, survivors: [] });
  expect(outcome.durationMs).toBeLessThan(3_000);
  const pids = readPids(outcome.stdout.text);
  expect(pids).toHaveLength(1);
  expect(pids.filter(isAlive)).toEqual([]);
});

it('settles though a grandchild keeps on writing to stdout', async () => {
  const outcome = await superviseFixture('hold-stdout.mjs', { args: ['talk'], timeoutMs: null }).exited;
  expect(outcome).toMatchObject({ kind: 'exited', code: 0, endedDescendants: 1 });
  expect(outcome.durationMs).toBeLessThan(4_000);
  expect(readPids(outcome.stdout.text).filter(isAlive)).toEqual([]);
});

it.each([['bare'], ['bare', 'talk']])(
  'settles though somebody out of reach holds stdout: %j',
  async (...args) => {
    const outcome = await superviseFixture('hold-stdout.mjs', { args, timeoutMs: null }).exited;
    const [holder] = readPids(outcome.stdout.text);
    if (holder === undefined) throw new Error('The fixture did not name the holder of its stdout');
    try {
      expect(isAlive(holder)).toBe(true);
      expect(outcome).toMatchObject({ kind: 'exited', code: 0 });
      expect(outcome.durationMs).toBeLessThan(4_000);
    } finally {
      if (isAlive(holder)) process.kill(holder, 'SIGKILL');
    }
  },
);

it('ends orphans after a normal exit: their parent is gone, their marker is not', async () => {
  const child = superviseFixture('forker.mjs', { args: ['same-group', 'setsid', 'stubborn', 'exit'] });
  const outcome = await child.exited;
  const pids = readPids(outcome.stdout.text);
  expect(pids).toHaveLength(3);
  expect(pids.filter(isAlive)).toEqual([]);
  expect(outcome).toMatchObject({ kind: 'exited', code: 0, endedDescendants: 3 });
});

it('leaves alone what only looks like the tree', async () => {
  const runMarker = randomUUID();
  const start = (args: string[], marker: string): ChildProcess => {
    const bystander = spawn(process.execPath, [`${FIXTURES}sleeper.mjs`, ...args], {
      detached: true,
      stdio: 'ignore',
      env: { NEOLITH_ATTEMPT: marker, OTHER: `x NEOLITH_ATTEMPT=${runMarker}` },
    });
    bystanders.push(bystander);
    return bystander;
  };
  const child = superviseFixture('forker.mjs', { args: ['setsid'], runMarker });
  // Younger than the tree, same program, same user, similar names, the marker's text in an argument.
  const others = [
    start([`NEOLITH_ATTEMPT=${runMarker}`], `${runMarker}0`),
    start([], runMarker.slice(0, -1)),
    start([], ''),
  ];
  await waitForChildren(child);
  await child.terminate('cancelled');
  expect(others.map((other) => isAlive(other.pid ?? 0))).toEqual([true, true, true]);
});

it('ends trees that are under way at the same time one by one', async () => {
  const [first, second] = [superviseFixture('sleeper.mjs'), superviseFixture('sleeper.mjs')];
  await waitFor(() => text(first).includes('ready') && text(second).includes('ready'), 'both sleepers');
  await first.terminate('cancelled');
  expect(isAlive(first.pid ?? 0)).toBe(false);
  expect(isAlive(second.pid ?? 0)).toBe(true);
});

it('changes nothing when asked to end what has ended', async () => {
  const child = superviseShell('exit 5');
  const outcome = await child.exited;
  expect(await child.terminate('cancelled')).toBe(outcome);
  expect(outcome).toMatchObject({ kind: 'exited', code: 5 });
});

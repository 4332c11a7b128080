import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { describeDaemonLife, endStrays, findStrays } from '../../src/process/strays.js';
import { isAlive, readPids, waitFor } from './processes.js';
import { FIXTURES } from './supervise.js';

const lives: ChildProcess[] = [];
const orphans: number[] = [];

afterEach(() => {
  for (const life of lives.splice(0)) life.kill('SIGKILL');
  for (const pid of orphans.splice(0)) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
});

async function startDaemonLife(daemonId: string): Promise<{ daemon: ChildProcess; pids: number[] }> {
  const daemon = spawn(process.execPath, [`${FIXTURES}daemon-life.mjs`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  lives.push(daemon);
  let text = '';
  daemon.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  daemon.stdin?.write(`${await describeDaemonLife(daemonId, daemon.pid)}\n`);
  await waitFor(() => text.includes('all started'), 'the daemon to start its agents');
  const pids = readPids(text);
  orphans.push(...pids);
  expect(pids).toHaveLength(4);
  return { daemon, pids };
}

it('finds and ends what a killed daemon left, children in sessions of their own included', async () => {
  const daemonId = `host one/${randomUUID()}`;
  const { daemon, pids } = await startDaemonLife(daemonId);
  daemon.kill('SIGKILL');
  await once(daemon, 'exit');
  expect(pids.filter(isAlive)).toEqual(pids);

  const strays = await findStrays(daemonId);
  expect(strays.map((stray) => stray.pid).sort()).toEqual([...pids].sort());
  expect(await endStrays(daemonId, { graceMs: 300 })).toEqual({ signalled: 4, survivors: [] });
  expect(pids.filter(isAlive)).toEqual([]);
  expect(await findStrays(daemonId)).toEqual([]);
});

it('touches nothing of a life that is not over, nor of a daemon with a similar name', async () => {
  const daemonId = `host-${randomUUID()}`;
  const { pids } = await startDaemonLife(daemonId);
  const { daemon: other, pids: othersPids } = await startDaemonLife(`${daemonId}0`);
  other.kill('SIGKILL');
  await once(other, 'exit');

  expect(await findStrays(daemonId)).toEqual([]);
  expect(await endStrays(daemonId, { graceMs: 0 })).toEqual({ signalled: 0, survivors: [] });
  expect([...pids, ...othersPids].filter(isAlive)).toEqual([...pids, ...othersPids]);
  expect(await endStrays(`${daemonId}0`, { graceMs: 0 })).toMatchObject({ survivors: [] });
  expect(othersPids.filter(isAlive)).toEqual([]);
  expect(pids.filter(isAlive)).toEqual(pids);
});

it('refuses to describe the life of a process that is not there', async () => {
  await expect(describeDaemonLife('host', 2 ** 22 + 1)).rejects.toThrow(/not running/);
});

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';

const neolith = fileURLToPath(new URL('../../packages/cli/bin/neolith.js', import.meta.url));
const execute = promisify(execFile);

interface Running {
  url: string;
  token: string;
  child: ChildProcess;
  errors(): string;
}

/** `neolith start` on a home of its own, until it says that it is up. */
async function startEverything(): Promise<Running> {
  const home = await mkdtemp(join(tmpdir(), 'neolith-start-recovers-'));
  // PostgreSQL may run as another user.
  await chmod(home, 0o755);
  const child = spawn(process.execPath, [neolith, 'start', '--no-seed', '--json'], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NEOLITH_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
    await rm(home, { recursive: true, force: true });
  });
  let out = '';
  let err = '';
  child.stdout?.setEncoding('utf8').on('data', (part: string) => {
    out += part;
  });
  child.stderr?.setEncoding('utf8').on('data', (part: string) => {
    err += part;
  });
  await until(
    () => /"url"/.test(out) && out.trimEnd().endsWith('}'),
    90_000,
    () => `${out}\n${err}`,
  );
  const { url, tokenFile } = JSON.parse(out) as { url: string; tokenFile: string };
  return { url, token: (await readFile(tokenFile, 'utf8')).trim(), child, errors: () => err };
}

async function until(
  condition: () => boolean | Promise<boolean>,
  limitMs: number,
  what: () => string,
): Promise<number> {
  const startedMs = performance.now();
  while (!(await condition())) {
    if (performance.now() - startedMs > limitMs) throw new Error(`In vain for ${limitMs} ms: ${what()}`);
    await delay(50);
  }
  return Math.round(performance.now() - startedMs);
}

async function call(running: Running, path: string): Promise<unknown> {
  const response = await fetch(`${running.url}/api/v1/${path}`, {
    headers: { authorization: `Bearer ${running.token}` },
    signal: AbortSignal.timeout(5_000),
  }).catch(() => null);
  if (response?.ok !== true) {
    await response?.body?.cancel();
    return null;
  }
  return response.json();
}

interface Process {
  pid: number;
  ppid: number;
  command: string;
}

async function listProcesses(): Promise<Process[]> {
  const { stdout } = await execute('ps', ['-A', '-o', 'pid=,ppid=,args='], { maxBuffer: 10_000_000 });
  return stdout.split('\n').flatMap((line) => {
    const [, pid, ppid, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return command === undefined ? [] : [{ pid: Number(pid), ppid: Number(ppid), command }];
  });
}

async function childOf(running: Running, pattern: RegExp): Promise<number> {
  const found = (await listProcesses()).find(
    ({ ppid, command }) => ppid === running.child.pid && pattern.test(command),
  );
  if (found === undefined) throw new Error(`No child ${pattern} of ${running.child.pid}`);
  return found.pid;
}

it('whatever part of it is killed, `neolith start` brings it back within seconds, without a person', async () => {
  const running = await startEverything();
  const answers = async () => (await call(running, 'orchestrators')) !== null;
  const figures: string[] = [];
  const parts = {
    PostgreSQL: /postgres.* -D /,
    server: /next.* start|next-server/,
    daemon: /neolith\.js daemon/,
  };

  const faults = [
    ['PostgreSQL', 'SIGKILL'],
    // It waits for its sessions to leave then, which the server's never do, and refuses new ones.
    ['PostgreSQL', 'SIGTERM'],
    ['server', 'SIGKILL'],
    ['daemon', 'SIGKILL'],
  ] as const;
  for (const [name, signal] of faults) {
    const pattern = parts[name];
    const victim = await childOf(running, pattern);
    const startedMs = performance.now();
    process.kill(victim, signal);
    const isBack = async () =>
      (await listProcesses()).some(
        ({ ppid, pid, command }) => ppid === running.child.pid && pid !== victim && pattern.test(command),
      );
    await until(isBack, 30_000, () => `${name} was not started again: ${running.errors()}`);
    await until(answers, 30_000, () => `no answers after ${name} was killed: ${running.errors()}`);
    figures.push(
      `${name} got ${signal}: answers again after ${Math.round(performance.now() - startedMs)} ms`,
    );
  }
  console.log(figures.join('; '));
  expect(figures).toHaveLength(faults.length);
});

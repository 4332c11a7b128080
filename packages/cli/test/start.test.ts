import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endStrays, findStrays } from '@neolith/daemon';
import { startEmbeddedPostgres } from '@neolith/database';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isAlive } from '../../daemon/test/process/processes.js';
import { until } from '../../daemon/test/worker/support/workplace.js';
import { BIN, bareEnvironment, runNeolith } from './support/runNeolith.js';

const WEB_BUILD = fileURLToPath(new URL('../../../apps/web/.next/BUILD_ID', import.meta.url));
const isBuilt = existsSync(WEB_BUILD);

let home = '';
let port = 0;
const started: ChildProcess[] = [];

beforeAll(async () => {
  const parent = await mkdtemp(join(tmpdir(), 'neolith-start-'));
  home = join(parent, 'home');
  // Readable by the user that PostgreSQL runs as where this is root, or its data would lie elsewhere.
  await mkdir(home, { mode: 0o755 });
  await chmod(parent, 0o755);
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  port = (probe.address() as AddressInfo).port;
  await new Promise((resolve) => probe.close(resolve));
});

afterAll(async () => {
  for (const child of started)
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  await endStrays(`neolith-start ${home}`);
  if (existsSync(join(home, 'postgres'))) {
    await (await startEmbeddedPostgres({ dataDirectory: join(home, 'postgres') })).stop();
  }
  await rm(join(home, '..'), { recursive: true, force: true });
});

interface Greeting {
  readonly url: string;
  readonly signInUrl: string;
  readonly tokenFile: string;
  readonly alreadyRunning: boolean;
}

async function begin(...args: string[]) {
  const child = spawn(process.execPath, [BIN, 'start', '--json', ...args], {
    env: bareEnvironment({ NEOLITH_HOME: home }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  let out = '';
  let notes = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    notes += chunk.toString();
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  await until(
    () => out.trimEnd().endsWith('}') || child.exitCode !== null,
    () => `a greeting: ${notes}`,
  );
  if (out === '') throw new Error(notes);
  return { child, ended, greeting: JSON.parse(out) as Greeting, notes: () => notes };
}

const status = async () =>
  JSON.parse((await runNeolith(['status', '--json'], { NEOLITH_HOME: home })).stdout);

it.skipIf(!isBuilt)(
  'starts everything, again after being killed, and ends all of it in order',
  { timeout: 300_000 },
  async () => {
    const first = await begin('--port', String(port), '--slots', '2');
    expect(first.greeting).toMatchObject({ url: `http://127.0.0.1:${port}`, alreadyRunning: false });
    expect(first.greeting.signInUrl).toContain(`http://127.0.0.1:${port}/sign-in?code=neo_`);
    expect(statSync(first.greeting.tokenFile).mode & 0o777).toBe(0o600);
    expect(first.notes()).toContain('4 orchestrators, 40 tasks');
    // The demo is really being executed.
    await until(
      async () =>
        (await status()).orchestrators.some(({ running }: { running: unknown[] }) => running.length > 0),
      'a running task',
    );
    const link = await runNeolith(['sign-in'], { NEOLITH_HOME: home });
    const page = await fetch(link.stdout.trim(), { redirect: 'manual' });
    expect(page.headers.get('set-cookie')).toContain('HttpOnly');

    // A second start finds the first.
    const second = await begin();
    expect(second.greeting).toMatchObject({ url: first.greeting.url, alreadyRunning: true });
    expect(second.greeting.signInUrl).not.toBe(first.greeting.signInUrl);
    expect(await second.ended).toBe(0);

    // Killed: what it leaves is found and ended, the data is kept, the port is the same.
    const before = (await status()).orchestrators.map(({ id }: { id: string }) => id);
    first.child.kill('SIGKILL');
    await first.ended;
    const left = (await findStrays(`neolith-start ${home}`)).map(({ pid }) => pid);
    expect(left.filter(isAlive).length).toBeGreaterThanOrEqual(2);
    const third = await begin();
    expect(third.greeting).toMatchObject({ url: first.greeting.url, alreadyRunning: false });
    expect(third.notes()).toContain('that the last start had left running');
    expect(third.notes()).not.toContain('demo workspace');
    expect(left.filter(isAlive)).toEqual([]);
    expect((await status()).orchestrators.map(({ id }: { id: string }) => id)).toEqual(before);

    third.child.kill('SIGTERM');
    expect(await third.ended).toBe(0);
    expect(await findStrays(`neolith-start ${home}`)).toEqual([]);

    // A terminal that is closed: nobody reads any more, and what was started must not live on unseen.
    const fourth = await begin();
    fourth.child.stdout?.destroy();
    fourth.child.stderr?.destroy();
    fourth.child.kill('SIGHUP');
    expect(await fourth.ended).toBe(0);
    expect(await findStrays(`neolith-start ${home}`)).toEqual([]);
    expect(existsSync(join(home, 'postgres', 'data', 'postmaster.pid'))).toBe(false);
    const token = readFileSync(first.greeting.tokenFile, 'utf8').trim();
    for (const log of ['web', 'daemon']) {
      expect(readFileSync(join(home, 'logs', `${log}.log`), 'utf8')).not.toContain(token);
    }
  },
);

it.skipIf(!isBuilt)('says what to do when the wanted port is taken', async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  const taken = (holder.address() as AddressInfo).port;
  const { code, stderr } = await runNeolith(['start', '--port', String(taken)], { NEOLITH_HOME: home });
  await new Promise((resolve) => holder.close(resolve));
  expect(code).toBe(4);
  expect(stderr).toContain(`Port ${taken} on 127.0.0.1 is taken`);
  expect(stderr).toContain(`--port ${taken + 1}`);
});

it('says what to do when its directory can not be used', async () => {
  const file = join(home, 'a-file');
  await writeFile(file, '');
  const { code, stderr } = await runNeolith(['start'], { NEOLITH_HOME: join(file, 'home') });
  expect(code).toBe(1);
  expect(stderr).toContain('set NEOLITH_HOME to another directory');
});

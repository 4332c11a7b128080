import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { serviceUser } from '../src/embedded/serviceUser.js';
import { startEmbeddedPostgres } from '../src/index.js';
import { placeForServer } from './support/placeForServer.js';
import { query } from './support/query.js';
import { startChild } from './support/startChild.js';
import { until } from './support/until.js';

interface Started {
  outcome: 'started' | 'attached';
  url: string;
}

async function postmasterPid(url: string): Promise<number> {
  const [row] = await query<{ pid: number }>(
    url,
    `SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int AS pid`,
  );
  if (!row) throw new Error('no process id');
  return row.pid;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('two processes that start at once end up on one server', async () => {
  const { root: dataDirectory } = await placeForServer();
  const children = [1, 2, 3].map(() => startChild<Started>('start', { dataDirectory }));
  const outcomes = await Promise.all(children.map((child) => child.outcome));

  const values = outcomes.map(({ value, error }) => value ?? error);
  expect(values.map((value) => 'outcome' in value && value.outcome).sort()).toEqual([
    'attached',
    'attached',
    'started',
  ]);
  expect(new Set(values.map((value) => 'url' in value && value.url)).size).toBe(1);
});

test('a server outlives the SIGKILL of its starter, and the next start attaches', async () => {
  const { root: dataDirectory } = await placeForServer();
  const starter = startChild<Started>('start', { dataDirectory });
  const { value } = await starter.outcome;
  await starter.kill('SIGKILL');

  const next = await startEmbeddedPostgres({ dataDirectory });
  expect(next).toMatchObject({ outcome: 'attached', url: value?.url });
});

test('Ctrl-C in the terminal of its starter does not reach the server', async () => {
  const { root: dataDirectory } = await placeForServer();
  const starter = startChild<Started>('start', { dataDirectory }, { detached: true });
  const { value } = await starter.outcome;
  const pid = await postmasterPid(value?.url ?? '');

  process.kill(-starter.pid, 'SIGINT');
  await starter.ended;
  expect(await postmasterPid(value?.url ?? '')).toBe(pid);
});

test('after a SIGKILL of the server the next start brings it back with everything that was committed', async () => {
  const { root: dataDirectory } = await placeForServer();
  const { url } = await startEmbeddedPostgres({ dataDirectory });
  await query(url, 'CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n');
  const pid = await postmasterPid(url);
  process.kill(pid, 'SIGKILL');
  await until('the server is dead', () => !isAlive(pid));

  const next = await startEmbeddedPostgres({ dataDirectory });
  expect(next.outcome).toBe('started');
  expect(await query(next.url, 'SELECT count(*)::int AS n FROM kept')).toEqual([{ n: 1000 }]);
});

test('a starter killed in the middle of initdb leaves nothing that stops the next', async () => {
  const layout = await placeForServer();
  const starter = startChild<Started>('start', { dataDirectory: layout.root });
  await until('initdb is at work', async () => {
    const names = existsSync(layout.root) ? await readdir(layout.root) : [];
    return names.some((name) => name.startsWith('data.new-'));
  });
  await starter.kill('SIGKILL');
  expect(existsSync(layout.data)).toBe(false);

  const next = await startEmbeddedPostgres({ dataDirectory: layout.root });
  expect(next.outcome).toBe('started');
  expect((await readdir(layout.root)).filter((name) => name.startsWith('data.new-'))).toEqual([]);
});

test('a process id in postmaster.pid that is another program by now does not stop the start', async () => {
  const layout = await placeForServer();
  const first = await startEmbeddedPostgres({ dataDirectory: layout.root });
  const pidFile = `${layout.data}/postmaster.pid`;
  const content = await readFile(pidFile, 'utf8');
  await first.stop();

  const user = await serviceUser();
  const stranger = spawn('sleep', ['60'], { stdio: 'ignore', ...(user && { uid: user.uid, gid: user.gid }) });
  onTestFinished(() => {
    stranger.kill('SIGKILL');
  });
  await writeFile(pidFile, content.replace(/^\d+/, String(stranger.pid)), { mode: 0o600 });
  if (user) await chown(pidFile, user.uid, user.gid);

  const log: string[] = [];
  const next = await startEmbeddedPostgres({ dataDirectory: layout.root, log: (line) => log.push(line) });
  expect(next.outcome).toBe('started');
  expect(log.join('\n')).toContain('leftover postmaster.pid');
  expect(isAlive(stranger.pid ?? 0)).toBe(true);
});

test('the port is remembered, and another one is taken when it is not free', async () => {
  const { root: dataDirectory } = await placeForServer();
  const first = await startEmbeddedPostgres({ dataDirectory });
  await first.stop();
  const second = await startEmbeddedPostgres({ dataDirectory });
  expect(second.url).toBe(first.url);
  await query(second.url, 'CREATE TABLE kept ()');
  await second.stop();

  const occupant = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => {
    occupant.listen(Number(new URL(first.url).port), '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    occupant.close();
  });
  const third = await startEmbeddedPostgres({ dataDirectory });
  expect(third.outcome).toBe('started');
  expect(new URL(third.url).port).not.toBe(new URL(first.url).port);
  expect(await query(third.url, `SELECT to_regclass('kept')::text AS name`)).toEqual([{ name: 'kept' }]);
});

test('another PostgreSQL on the remembered port is not mistaken for ours', async () => {
  const other = await placeForServer();
  const { url: otherUrl } = await startEmbeddedPostgres({ dataDirectory: other.root });
  const layout = await placeForServer();
  await mkdir(layout.root, { mode: 0o700 });
  await writeFile(layout.portFile, new URL(otherUrl).port);
  // Even with the same password: it is the data directory that counts.
  await writeFile(layout.passwordFile, new URL(otherUrl).password, { mode: 0o600 });
  const user = await serviceUser();
  if (user) await chown(layout.passwordFile, user.uid, user.gid);

  const ours = await startEmbeddedPostgres({ dataDirectory: layout.root });
  expect(ours.outcome).toBe('started');
  expect(new URL(ours.url).port).not.toBe(new URL(otherUrl).port);
});

test('stop ends the server for everybody who is on it, keeps the data, and does nothing the second time', async () => {
  const layout = await placeForServer();
  const server = await startEmbeddedPostgres({ dataDirectory: layout.root });
  await query(server.url, 'CREATE TABLE kept ()');
  const sleeper = query(server.url, 'SELECT pg_sleep(60)').then(
    () => 'finished',
    (error: { code?: string }) => error.code,
  );
  await until('the sleeper sleeps', async () => {
    const rows = await query(server.url, `SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'`);
    return rows.length === 1;
  });
  const pid = await postmasterPid(server.url);

  await server.stop();
  expect(await sleeper).toBe('57P01');
  expect(isAlive(pid)).toBe(false);
  await server.stop();

  const next = await startEmbeddedPostgres({ dataDirectory: layout.root });
  expect(await query(next.url, `SELECT to_regclass('kept')::text AS name`)).toEqual([{ name: 'kept' }]);
});

test('a start while the server is going down ends up on a server that stays', async () => {
  const { root: dataDirectory } = await placeForServer();
  const server = await startEmbeddedPostgres({ dataDirectory });
  process.kill(await postmasterPid(server.url), 'SIGINT');

  const next = await startEmbeddedPostgres({ dataDirectory });
  expect(await query(next.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('the server is durable, reachable from this machine only, and only with its password', async () => {
  const layout = await placeForServer();
  const { url } = await startEmbeddedPostgres({ dataDirectory: layout.root });
  const settings = await query<{ name: string; setting: string }>(
    url,
    `SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes',
       'listen_addresses', 'unix_socket_directories', 'max_connections') ORDER BY name`,
  );
  expect(Object.fromEntries(settings.map(({ name, setting }) => [name, setting]))).toEqual({
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
  });
  const methods = await query(url, 'SELECT DISTINCT auth_method FROM pg_hba_file_rules');
  expect(methods).toEqual([{ auth_method: 'scram-sha-256' }]);
  expect((await stat(layout.passwordFile)).mode & 0o777).toBe(0o600);

  const wrong = new URL(url);
  wrong.password = 'wrong';
  await expect(query(wrong.toString(), 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
});

test.runIf(process.getuid?.() === 0)('as root the server runs as a service user, which is said', async () => {
  const { root: dataDirectory } = await placeForServer();
  const log: string[] = [];
  const { url } = await startEmbeddedPostgres({ dataDirectory, log: (line) => log.push(line) });
  const owner = await stat(`/proc/${await postmasterPid(url)}`);
  const user = await serviceUser();
  expect(owner.uid).toBe(user?.uid);
  expect(log).toEqual([`PostgreSQL refuses to run as root: it runs as the user "${user?.name}"`]);
});

test('a server that was told to end and waits for its sessions is not waited for: it is started anew', async () => {
  const { root: dataDirectory } = await placeForServer();
  const first = await startEmbeddedPostgres({ dataDirectory });
  // A session that doesn't leave, as a pool's.
  const session = new pg.Client(first.url);
  session.on('error', () => undefined);
  await session.connect();
  expect(await first.isUp()).toBe(true);
  process.kill(await postmasterPid(first.url), 'SIGTERM');
  await until('the shutdown', async () => !(await first.isUp()));

  const second = await startEmbeddedPostgres({ dataDirectory });
  expect(second.outcome).toBe('started');
  expect(second.url).toBe(first.url);
  expect(await query(second.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('a server that waits for its sessions to leave can be stopped', async () => {
  const { root: dataDirectory } = await placeForServer();
  const server = await startEmbeddedPostgres({ dataDirectory });
  const session = new pg.Client(server.url);
  session.on('error', () => undefined);
  await session.connect();
  const pid = await postmasterPid(server.url);
  process.kill(pid, 'SIGTERM');
  await until('the shutdown', async () => !(await server.isUp()));
  await server.stop();
  expect(isAlive(pid)).toBe(false);
});

/** Ends a session the hard way: PostgreSQL then ends all others, replays its log and is back, all within moments. */
async function crashSession(url: string): Promise<void> {
  const session = new pg.Client(url);
  session.on('error', () => undefined);
  await session.connect();
  const { rows } = await session.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  process.kill(rows[0]?.pid ?? 0, 'SIGKILL');
}

test('a server that restarts after a crash can be attached to, and stopped for good', async () => {
  const { root: dataDirectory } = await placeForServer();
  for (let round = 0; round < 3; round += 1) {
    const server = await startEmbeddedPostgres({ dataDirectory });
    const pid = await postmasterPid(server.url);
    await crashSession(server.url);
    const next = await startEmbeddedPostgres({ dataDirectory });
    expect(next.outcome).toBe('attached');
    await crashSession(server.url);
    await server.stop();
    await until('the server to be gone', () => !isAlive(pid));
  }
});

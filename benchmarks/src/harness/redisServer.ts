import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';

export interface RedisServer {
  readonly port: number;
  readonly settings: string;
  stop(): Promise<void>;
}

/** A redis-server from the PATH on a free port of loopback; null where there is none. */
export async function startRedis(
  directory: string,
  persistence: 'none' | 'appendfsync always',
): Promise<RedisServer | null> {
  const home = await mkdtemp(join(directory, 'redis-'));
  const port = await freePort();
  const durable = persistence === 'appendfsync always';
  const child = spawn(
    'redis-server',
    [
      ...[
        '--port',
        String(port),
        '--bind',
        '127.0.0.1',
        '--dir',
        home,
        '--save',
        '',
        '--maxmemory-policy',
        'noeviction',
      ],
      ...['--appendonly', durable ? 'yes' : 'no', '--appendfsync', 'always'],
    ],
    { stdio: 'ignore' },
  );
  const started = await Promise.race([
    once(child, 'error').then(() => false),
    once(child, 'exit').then(() => false),
    waitForPort(port).then(() => true),
  ]);
  if (!started) return null;
  return {
    port,
    settings: `Redis: ${durable ? 'append-only file, fsync with each write' : 'nothing written to disk'}`,
    stop: () => end(child),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('No free port on loopback');
  return address.port;
}

async function waitForPort(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const socket = createConnection({ port, host: '127.0.0.1' });
    const connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (connected) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`redis-server does not answer on port ${port}`);
}

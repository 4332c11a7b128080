import type { ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ended, type Processes } from './processes.js';

const WEB = fileURLToPath(new URL('../../apps/web/', import.meta.url));
const LISTEN_MS = 120_000;
const POLL_MS = 50;

/** One of several servers over one database, as `neolith start` starts it; its port stays the same. */
export interface WebServer {
  readonly name: string;
  readonly port: number;
  readonly url: string;
  /** Whether it listens, as far as we did nothing to it. */
  isUp(): boolean;
  /** How often it was started. */
  lives(): number;
  /** SIGKILL, and a new one in its place. Resolves when that listens, which is before it is ready. */
  killAndRestart(): Promise<void>;
  /** SIGTERM. @returns the exit code, null where it had to be killed. */
  stop(): Promise<number | null>;
}

export interface WebServerOptions {
  readonly name: string;
  readonly databaseUrl: string;
  readonly home: string;
  readonly processes: Processes;
  readonly onOutput: (text: string) => void;
}

/** Starts the built web application; resolves when it listens. */
export async function startWebServer(options: WebServerOptions): Promise<WebServer> {
  const next = createRequire(join(WEB, 'package.json')).resolve('next/dist/bin/next');
  const port = await findFreePort();
  const url = `http://127.0.0.1:${port}`;
  let child: ChildProcess;
  let up = false;
  let lives = 0;

  async function begin(): Promise<void> {
    lives += 1;
    child = options.processes.start(
      process.execPath,
      [next, 'start', '-H', '127.0.0.1', '-p', String(port)],
      {
        cwd: WEB,
        env: {
          PATH: process.env.PATH,
          HOME: process.env.HOME,
          NODE_ENV: 'production',
          NEXT_TELEMETRY_DISABLED: '1',
          NEOLITH_HOME: options.home,
          DATABASE_URL: options.databaseUrl,
        },
        onOutput: options.onOutput,
      },
    );
    const mine = child;
    mine.once('exit', () => {
      if (child === mine) up = false;
    });
    const deadline = performance.now() + LISTEN_MS;
    while (!(await isAlive())) {
      if (mine.exitCode !== null || mine.signalCode !== null || performance.now() > deadline)
        throw new Error(`The server ${options.name} did not come up on port ${port}. Is it built?`);
      await delay(POLL_MS);
    }
    up = true;
  }

  async function isAlive(): Promise<boolean> {
    const response = await fetch(`${url}/livez`).catch(() => null);
    await response?.body?.cancel();
    return response?.ok === true;
  }

  await begin();
  return {
    name: options.name,
    port,
    url,
    isUp: () => up,
    lives: () => lives,
    async killAndRestart() {
      up = false;
      child.kill('SIGKILL');
      await ended(child);
      await begin();
    },
    async stop() {
      up = false;
      child.kill('SIGTERM');
      const limit = AbortSignal.timeout(30_000);
      limit.addEventListener('abort', () => child.kill('SIGKILL'));
      await ended(child);
      return child.exitCode;
    },
  };
}

/** Free now; whoever is restarted must find it again, so it can't be left to the system each time. */
function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

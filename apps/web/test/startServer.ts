import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const web = dirname(dirname(fileURLToPath(import.meta.url)));
const next = createRequire(import.meta.url).resolve('next/dist/bin/next');

const START_LIMIT_MS = 60_000;
const POLL_MS = 50;

export interface StartServerOptions {
  databaseUrl: string;
  /** Default: a temporary one that goes with the server. */
  home?: string;
  /** Default: a free one. */
  port?: number;
  env?: Record<string, string>;
  /** `ready`: resolves once `/readyz` says so (default); `listening`: as soon as it listens. */
  until?: 'ready' | 'listening';
}

/** The built Next server as a process of its own. */
export interface TestServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly port: number;
  readonly home: string;
  readonly pid: number;
  /** The token of its token file (scope admin, workspace `default`). */
  token(): Promise<string>;
  /** What it wrote so far. */
  output(): string;
  ready(): Promise<void>;
  /** Sends the signal (default SIGTERM) and answers the exit code; null where the signal ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts `next start` on the build of this app. `stop` it in `afterAll`. */
export async function startServer(options: StartServerOptions): Promise<TestServer> {
  const home = options.home ?? (await mkdtemp(join(tmpdir(), 'neolith-web-')));
  const child = spawn(
    process.execPath,
    [next, 'start', '--hostname', '127.0.0.1', '--port', String(options.port ?? 0)],
    {
      cwd: web,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        NODE_ENV: 'production',
        NEXT_TELEMETRY_DISABLED: '1',
        NEOLITH_HOME: home,
        DATABASE_URL: options.databaseUrl,
        ...options.env,
      },
    },
  );
  const written = collect(child);
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  // A test that fails in a hook never comes to its `stop`.
  const killWithTests = () => child.kill('SIGKILL');
  process.once('exit', killWithTests);
  void ended.then(() => process.off('exit', killWithTests));
  const server = {
    output: written,
    home,
    pid: child.pid as number,
    token: async () => (await readFile(join(home, 'token'), 'utf8')).trim(),
    async stop(signal: NodeJS.Signals = 'SIGTERM') {
      if (child.exitCode === null) child.kill(signal);
      const code = await ended;
      if (options.home === undefined) await rm(home, { recursive: true, force: true });
      return code;
    },
  };
  const fail = async (problem: string): Promise<never> => {
    await server.stop('SIGKILL');
    throw new Error(`${problem}:\n${written()}`);
  };
  const port = await until(() => /Local:\s+http:\/\/[^:\s]+:(\d+)/.exec(written())?.[1], child);
  if (port === undefined) return fail('The server did not start');
  const url = `http://127.0.0.1:${port}`;
  const ready = async () => {
    const answer = await until(async () => {
      const response = await fetch(`${url}/readyz`).catch(() => null);
      await response?.body?.cancel();
      return response?.ok === true ? true : undefined;
    }, child);
    if (answer === undefined) await fail('The server did not become ready');
  };
  if (options.until !== 'listening') await ready();
  return { ...server, url, port: Number(port), ready };
}

function collect(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8');
    stream?.on('data', (part: string) => {
      text = (text + part).slice(-1_000_000);
    });
  }
  return () => text;
}

/** Looks until there is something, the process ends or the time is up. */
async function until<T>(
  look: () => Promise<T | undefined> | T | undefined,
  child: ChildProcess,
): Promise<T | undefined> {
  const deadline = performance.now() + START_LIMIT_MS;
  while (performance.now() < deadline && child.exitCode === null && child.signalCode === null) {
    const found = await look();
    if (found !== undefined) return found;
    await delay(POLL_MS);
  }
  return undefined;
}

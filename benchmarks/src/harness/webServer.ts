import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const WEB = fileURLToPath(new URL('../../../apps/web/', import.meta.url));
const READY_MS = 60_000;

/** The built web application as a process of its own, started as `neolith start` does. */
export interface WebServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly pid: number;
  /** The token of its token file: scope admin, workspace `default`. */
  readonly token: string;
  stop(): Promise<void>;
}

/**
 * Starts one web process over a database that it migrates by itself.
 *
 * @param options.nodeOptions for Node itself: `--cpu-prof`, to see where the time goes
 */
export async function startWebServer(options: {
  databaseUrl: string;
  home: string;
  nodeOptions?: readonly string[];
}): Promise<WebServer> {
  const next = createRequire(join(WEB, 'package.json')).resolve('next/dist/bin/next');
  const child = spawn(
    process.execPath,
    [...(options.nodeOptions ?? []), next, 'start', '-H', '127.0.0.1', '-p', '0'],
    {
      cwd: WEB,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        NODE_ENV: 'production',
        NEXT_TELEMETRY_DISABLED: '1',
        NEOLITH_HOME: options.home,
        DATABASE_URL: options.databaseUrl,
        // Every daemon of a measurement has the same token.
        NEOLITH_RATE_LIMIT: 'off',
      },
    },
  );
  let written = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      written = (written + text).slice(-20_000);
    });
  }
  const gone = once(child, 'exit');
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  const stop = async (): Promise<void> => {
    process.off('exit', kill);
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await gone;
  };
  const deadline = performance.now() + READY_MS;
  while (performance.now() < deadline && child.exitCode === null) {
    const port = /Local:\s+http:\/\/[^:\s]+:(\d+)/.exec(written)?.[1];
    const url = `http://127.0.0.1:${port}`;
    if (port !== undefined && (await isReady(url))) {
      const token = (await readFile(join(options.home, 'token'), 'utf8')).trim();
      return { url, pid: child.pid as number, token, stop };
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await stop();
  throw new Error(`The web server did not become ready (is it built?):\n${written}`);
}

async function isReady(url: string): Promise<boolean> {
  const response = await fetch(`${url}/readyz`).catch(() => null);
  await response?.body?.cancel();
  return response?.ok === true;
}

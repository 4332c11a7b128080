import { spawn } from 'node:child_process';
import { open, rename, stat } from 'node:fs/promises';
import { errorCode } from '../errors.js';
import type { Binaries } from './binaries.js';
import type { Layout } from './layout.js';
import type { ServerSettings } from './serverSettings.js';
import type { ServiceUser } from './serviceUser.js';

const LOG_BYTES_MAX = 10 * 1024 * 1024;

/** A server process of ours that has been started. */
export interface Launched {
  /** Settles when the process ends. */
  readonly ended: Promise<void>;
  readonly hasEnded: () => boolean;
  /** What the server wrote to its log since it was started. */
  readonly output: () => Promise<string>;
}

/** Starts a server on the data directory. It isn't ready yet, and may end at once: see its output then. */
export async function launchPostmaster(
  layout: Layout,
  binaries: Binaries,
  user: ServiceUser | undefined,
  settings: ServerSettings,
): Promise<Launched> {
  await rotateLog(layout.logFile);
  const log = await open(layout.logFile, 'a+', 0o600);
  const logStart = (await log.stat()).size;
  let child: ReturnType<typeof spawn>;
  try {
    const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    child = spawn(binaries.postgres, ['-D', layout.data, ...args], {
      cwd: '/',
      env: { PATH: process.env.PATH, LC_ALL: 'C' },
      stdio: ['ignore', log.fd, log.fd],
      // A session of its own: Ctrl-C in our terminal goes to every process of our group.
      detached: true,
      ...(user && { uid: user.uid, gid: user.gid }),
    });
  } finally {
    await log.close();
  }
  let over = false;
  let spawnError: Error | undefined;
  const ended = new Promise<void>((resolve) => {
    const end = () => {
      over = true;
      resolve();
    };
    child.once('exit', end);
    child.once('error', (error) => {
      spawnError = error;
      end();
    });
  });
  child.unref();
  return {
    ended,
    hasEnded: () => over,
    output: async () => spawnError?.message ?? readFrom(layout.logFile, logStart),
  };
}

// One old log is kept: enough to see why the server before this one ended.
async function rotateLog(logFile: string): Promise<void> {
  try {
    if ((await stat(logFile)).size > LOG_BYTES_MAX) await rename(logFile, `${logFile}.1`);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

async function readFrom(file: string, start: number): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const buffer = Buffer.alloc(Math.max(0, Math.min(size - start, 64 * 1024)));
    await handle.read(buffer, 0, buffer.length, start);
    return buffer.toString('utf8');
  } finally {
    await handle.close();
  }
}

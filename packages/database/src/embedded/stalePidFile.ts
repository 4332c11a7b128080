import { execFile } from 'node:child_process';
import { readdir, readFile, readlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { errorCode } from '../errors.js';
import type { Layout } from './layout.js';

const execFileAsync = promisify(execFile);

/**
 * Removes postmaster.pid when the process it names is somebody else's and no server works in the directory: after
 * a restart of the machine or container process ids repeat, and PostgreSQL would refuse to start for ever. Says
 * whether it did. Expects the start lock to be held.
 */
export async function removeStalePidFile(layout: Layout): Promise<boolean> {
  const file = join(layout.data, 'postmaster.pid');
  const content = await readFile(file, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (content === undefined) return false;
  const pid = Number.parseInt(content, 10);
  if (!(pid > 0)) return false;
  const working =
    process.platform === 'linux' ? await someoneWorksIn(layout.data) : await mentions(pid, layout.data);
  if (working) return false;
  await unlink(file);
  return true;
}

// A server and its helpers have their data directory as their working directory.
async function someoneWorksIn(directory: string): Promise<boolean> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const directories = await Promise.all(
    pids.map((pid) =>
      readlink(`/proc/${pid}/cwd`).catch((error: unknown) => {
        // It has ended since, or it is another user's, and our server runs as ours (root sees them all).
        if (['ENOENT', 'EACCES', 'ESRCH', 'EPERM'].includes(errorCode(error) ?? '')) return undefined;
        throw error;
      }),
    ),
  );
  return directories.includes(directory);
}

/** Whether the command line of a process names the directory. */
export async function mentions(pid: number, directory: string): Promise<boolean> {
  try {
    const { stdout } = await execFileAsync('ps', ['-ww', '-o', 'command=', '-p', String(pid)]);
    return stdout.includes(directory);
  } catch (error) {
    // ps exits with 1 when there is no such process; without ps nothing is known, and the file stays.
    return errorCode(error) === 'ENOENT';
  }
}

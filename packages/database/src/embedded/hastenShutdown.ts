import { readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../errors.js';
import type { Layout } from './layout.js';
import { mentions } from './stalePidFile.js';

/**
 * Turns a shutdown under way into a fast one: what it waits for is ended. Told to end by SIGTERM (`kill`, a machine
 * that goes down) PostgreSQL waits for its sessions to leave, and refuses new ones meanwhile; pools never leave.
 * Such a server can't be asked who it is, so its process must be seen to be at work in the directory. Says whether
 * there was one to hasten.
 */
export async function hastenShutdown(layout: Layout): Promise<boolean> {
  const pid = await pidInFile(layout);
  if (pid === undefined) return false;
  const ours =
    process.platform === 'linux' ? await worksIn(pid, layout.data) : await mentions(pid, layout.data);
  if (!ours) return false;
  try {
    process.kill(pid, 'SIGINT');
    return true;
  } catch (error) {
    // It has ended meanwhile, or is another user's, who has to end it.
    if (['ESRCH', 'EPERM'].includes(errorCode(error) ?? '')) return false;
    throw error;
  }
}

/** Whether PostgreSQL said that it is on its way out, as opposed to coming up. */
export function isShuttingDown(reason: string): boolean {
  return /shutting down/.test(reason);
}

async function pidInFile(layout: Layout): Promise<number | undefined> {
  try {
    const pid = Number.parseInt(await readFile(join(layout.data, 'postmaster.pid'), 'utf8'), 10);
    return pid > 1 ? pid : undefined;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function worksIn(pid: number, directory: string): Promise<boolean> {
  try {
    return (await readlink(`/proc/${pid}/cwd`)) === directory;
  } catch (error) {
    if (['ENOENT', 'EACCES', 'ESRCH', 'EPERM'].includes(errorCode(error) ?? '')) return false;
    throw error;
  }
}

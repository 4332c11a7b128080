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
 * @param signal SIGQUIT: at once, as after a power cut; what was committed is kept
 */
export async function hastenShutdown(
  layout: Layout,
  signal: 'SIGINT' | 'SIGQUIT' = 'SIGINT',
): Promise<boolean> {
  const pid = await findPostmaster(layout);
  if (pid === undefined) return false;
  try {
    process.kill(pid, signal);
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

/** The process of the server that is at work in the directory, whether or not it answers. */
export async function findPostmaster(layout: Layout): Promise<number | undefined> {
  const pid = await pidInFile(layout);
  return pid !== undefined && (await isPostmaster(pid, layout)) ? pid : undefined;
}

/** Whether that process is the server of the directory, and not one that came by its number later. */
export function isPostmaster(pid: number, { data }: Layout): Promise<boolean> {
  return process.platform === 'linux' ? worksIn(pid, data) : mentions(pid, data);
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

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { DatabaseError } from '../errors.js';
import { WAY_OUT } from './layout.js';

const execFileAsync = promisify(execFile);

/** The account that PostgreSQL runs under. */
export interface ServiceUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * The account to drop to when this process is root, which PostgreSQL refuses to run as: `postgres` where it
 * exists, else `nobody`. Undefined when this process isn't root.
 */
export async function serviceUser(): Promise<ServiceUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', '_postgres', 'nobody']) {
    const [uid, gid] = await Promise.all([numericId('-u', name), numericId('-g', name)]);
    if (uid && gid) return { name, uid, gid };
  }
  throw new DatabaseError(
    'EMBEDDED_START_FAILED',
    'PostgreSQL refuses to run as root, and this machine has neither a user "postgres" nor "nobody" to run it as. ' +
      `Start as an ordinary user. ${WAY_OUT}`,
  );
}

async function numericId(flag: '-u' | '-g', name: string): Promise<number | undefined> {
  try {
    const { stdout } = await execFileAsync('id', [flag, name]);
    // macOS prints nobody's id as -2.
    return Number.parseInt(stdout, 10) >>> 0;
  } catch {
    // `id` exits with 1 for a name that doesn't exist: the next candidate is tried.
    return undefined;
  }
}

/** Whether `user` can open `path`: asked of the kernel by a process of that user, so that ACLs count too. */
export async function isReachable(path: string, user: ServiceUser): Promise<boolean> {
  try {
    await execFileAsync('/bin/sh', ['-c', 'test -x "$0" && test -r "$0"', path], {
      uid: user.uid,
      gid: user.gid,
      cwd: '/',
    });
    return true;
  } catch {
    // A non-zero exit is the answer "no".
    return false;
  }
}

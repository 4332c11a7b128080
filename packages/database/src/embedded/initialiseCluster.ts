import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DatabaseError, errorCode, errorText } from '../errors.js';
import type { Binaries } from './binaries.js';
import { type Layout, WAY_OUT } from './layout.js';
import { unusable } from './place.js';
import { SERVER_USER } from './probeServer.js';
import type { ServiceUser } from './serviceUser.js';

const execFileAsync = promisify(execFile);
const STAGING_PREFIX = 'data.new-';

/** The password of the server's superuser; made, in a file of mode 0600, when there is none. */
export async function readOrMakePassword(layout: Layout, user: ServiceUser | undefined): Promise<string> {
  try {
    const password = (await readFile(layout.passwordFile, 'utf8')).trim();
    if (password !== '') return password;
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw unusable(layout.root, error);
  }
  if (existsSync(layout.data)) {
    throw new DatabaseError(
      'EMBEDDED_DIRECTORY_UNUSABLE',
      `${layout.passwordFile} is missing or empty, and without it nobody gets into the data beside it. ` +
        `Restore that file from a backup, or move ${layout.root} away to start afresh. ${WAY_OUT}`,
    );
  }
  const password = randomBytes(32).toString('hex');
  await writeFile(layout.passwordFile, `${password}\n`, { mode: 0o600 });
  // initdb reads it as that user.
  if (user) await chown(layout.passwordFile, user.uid, user.gid);
  return password;
}

/**
 * Makes the data directory with initdb, aside, and renames it into place: a data directory that exists is whole,
 * whenever the process making it was killed. Does nothing when it exists. Expects the start lock to be held.
 */
export async function initialiseCluster(
  layout: Layout,
  binaries: Binaries,
  user: ServiceUser | undefined,
): Promise<void> {
  if (existsSync(layout.data)) return;
  await removeUnfinished(layout.root);
  const staging = join(layout.root, `${STAGING_PREFIX}${randomUUID()}`);
  try {
    await execFileAsync(
      binaries.initdb,
      [
        `--pgdata=${staging}`,
        `--username=${SERVER_USER}`,
        `--pwfile=${layout.passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        // Built in: the order of texts must not depend on the machine's locales, nor change with its libc.
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--no-instructions',
      ],
      {
        cwd: '/',
        env: { PATH: process.env.PATH, LC_ALL: 'C' },
        ...(user && { uid: user.uid, gid: user.gid }),
      },
    );
    await rename(staging, layout.data);
    await syncDirectory(layout.root);
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw initialiseError(layout, error);
  }
}

async function removeUnfinished(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    if (!name.startsWith(STAGING_PREFIX)) continue;
    // Retried, because the initdb of a starter that was killed may still be adding files for a moment.
    await rm(join(root, name), { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }
}

function initialiseError(layout: Layout, cause: unknown): DatabaseError {
  const text = `${errorText(cause)} ${stderrOf(cause)}`;
  if (/No space left on device|Disk quota exceeded/.test(text)) {
    return unusable(layout.root, Object.assign(new Error(text), { code: 'ENOSPC' }));
  }
  if (/could not look up effective user ID/.test(text)) {
    return new DatabaseError(
      'EMBEDDED_START_FAILED',
      `PostgreSQL needs a user that has a name, and user id ${process.getuid?.()} has none (containers started with ` +
        `--user do that): add a line for it to /etc/passwd, or start as another user. ${WAY_OUT}`,
      { cause },
    );
  }
  return new DatabaseError(
    'EMBEDDED_START_FAILED',
    `initdb failed in ${layout.root}: ${stderrOf(cause).trim() || errorText(cause)}. ${WAY_OUT}`,
    { cause },
  );
}

function stderrOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'stderr' in error ? String(error.stderr) : '';
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

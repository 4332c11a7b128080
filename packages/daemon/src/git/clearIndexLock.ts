import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProcessesIn } from './findProcessesIn.js';
import { GitError } from './gitError.js';

/** git holds the index for fractions of a second. */
const LEFT_AFTER_MS = 2_000;
const POLL_MS = 100;

/**
 * Waits for the index of a worktree to be free. A lock that nobody can be holding (untouched all the while, no process
 * at work there) was left by a git that was killed: it is put aside, not deleted.
 * @returns what was done, or null.
 * @throws GitError `REPOSITORY_LOCKED`.
 */
export async function clearIndexLock(directory: string, adminDirectory: string): Promise<string | null> {
  const path = join(adminDirectory, 'index.lock');
  const giveUpAt = performance.now() + LEFT_AFTER_MS;
  const first = await describeFile(path);
  let last = first;
  while (last !== null && last === first && performance.now() < giveUpAt) {
    await sleep(POLL_MS);
    last = await describeFile(path);
  }
  if (last === null) return null;
  if (last === first && (await findProcessesIn(directory)).length === 0) {
    const aside = `${path}.left-${Date.now()}`;
    await rename(path, aside);
    return `A git command had been cut off and left its lock; it was put aside as ${aside}.`;
  }
  throw new GitError(
    'REPOSITORY_LOCKED',
    `Something is at work in ${directory} and holds ${path}. End it; if nothing is, remove that file.`,
  );
}

async function describeFile(path: string): Promise<string | null> {
  try {
    const { ino, mtimeMs, size } = await stat(path);
    return `${ino} ${mtimeMs} ${size}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

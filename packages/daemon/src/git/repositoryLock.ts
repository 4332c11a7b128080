import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GitError } from './gitError.js';
import { describeOwnLife, judgeLife, type ProcessLife } from './processLife.js';
import type { Repository } from './repository.js';

interface LockOwner extends ProcessLife {
  /** Of one taking of the lock. */
  readonly token: string;
  readonly pid: number;
}

export interface LockOptions {
  /** How long to wait for it. Default 120,000. */
  readonly waitMs?: number;
  /** After this a lock from another machine or container, whose process we can't see, counts as left. Default 120,000. */
  readonly foreignLeftAfterMs?: number;
}

const POLL_MS_MIN = 15;
const POLL_MS_MAX = 250;
/** Looking for a process costs more than looking at a file. */
const JUDGE_EVERY_MS = 1_000;
const REFRESH_MS = 10_000;

/** Within one process they queue here, in order. */
const queues = new Map<string, Promise<unknown>>();

/**
 * Does `work` while no other process of ours makes or removes worktrees of the repository. Of a holder that died the
 * lock is taken over.
 * @throws GitError `REPOSITORY_BUSY`, naming the holder.
 */
export async function withRepositoryLock<T>(
  repository: Pick<Repository, 'gitDirectory'>,
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const directory = join(repository.gitDirectory, 'neolith');
  const path = join(directory, 'worktrees.lock');
  const before = queues.get(path) ?? Promise.resolve();
  const mine = before.then(async () => {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return holdLock(path, work, options);
  });
  const settled = mine.catch(() => undefined);
  queues.set(path, settled);
  try {
    return await mine;
  } finally {
    if (queues.get(path) === settled) queues.delete(path);
  }
}

async function holdLock<T>(path: string, work: () => Promise<T>, options: LockOptions): Promise<T> {
  const owner: LockOwner = { ...(await describeOwnLife()), token: randomUUID(), pid: process.pid };
  const claimed = await takeLock(path, owner, options);
  const refresh = setInterval(() => {
    const now = new Date();
    // Only those who can't see us need it; that the lock was taken from us shows at the end.
    utimes(path, now, now).catch(() => undefined);
  }, REFRESH_MS);
  refresh.unref();
  try {
    return await work();
  } finally {
    clearInterval(refresh);
    if ((await readOwner(path))?.token === owner.token) await removeFile(path);
    for (const file of claimed) await removeFile(file);
  }
}

/** @returns the files that were needed to take it over. */
async function takeLock(path: string, owner: LockOwner, options: LockOptions): Promise<string[]> {
  const giveUpAt = performance.now() + (options.waitMs ?? 120_000);
  const content = JSON.stringify(owner);
  const draft = `${path}.${owner.token}`;
  await writeFile(draft, content, { flag: 'wx', mode: 0o600 });
  try {
    let pollMs = POLL_MS_MIN;
    let judgeAt = 0;
    for (;;) {
      // A link appears with its content, and only where nothing is: no moment at which the lock has no owner.
      if (await makeLink(draft, path)) return [];
      const now = performance.now();
      if (now >= judgeAt) {
        judgeAt = now + JUDGE_EVERY_MS;
        const claimed = await succeed(path, path, draft, options);
        if (claimed !== null) return claimed;
      }
      if (now >= giveUpAt) {
        const holder = await readOwner(path);
        throw new GitError(
          'REPOSITORY_BUSY',
          `The worktrees of this repository are held by ${holder === null ? 'another process' : `process ${holder.pid}`}. Wait for it; if it is gone for good, remove ${path}`,
        );
      }
      await sleep(pollMs * (0.5 + Math.random()));
      pollMs = Math.min(POLL_MS_MAX, pollMs * 1.5);
    }
  } finally {
    await removeFile(draft);
  }
}

/**
 * Takes the lock over where its owner is gone. Who may is decided by a link named after that owner, which only one can
 * make; if the one who made it died as well, the next link is named after him.
 *
 *   lock: A (gone) · lock.A.next: B (gone) · lock.B.next: C, who replaces the lock by his own
 *
 * To remove the lock and make it anew instead would let a slow second one remove the lock of a quick first.
 * @returns the links that were made on the way, or null: not to be had.
 */
async function succeed(
  path: string,
  current: string,
  draft: string,
  options: LockOptions,
): Promise<string[] | null> {
  const holder = await readOwner(current);
  if (holder === null || !(await isGone(current, holder, draft, options))) return null;
  const next = `${path}.${holder.token}.next`;
  if (!(await makeLink(draft, next))) {
    const further = await succeed(path, next, draft, options);
    return further === null ? null : [next, ...further];
  }
  // Seen long ago perhaps: another may have taken it over and given it back since.
  if ((await readOwner(current))?.token !== holder.token) {
    await removeFile(next);
    return null;
  }
  if (current === path) await replaceLock(draft, path);
  else if (!(await leadsTo(path, holder.token))) {
    await removeFile(next);
    return null;
  } else await replaceLock(draft, path);
  return [next];
}

/** Whether the chain that begins at the lock still ends at the one with `token`. */
async function leadsTo(path: string, token: string): Promise<boolean> {
  let owner = await readOwner(path);
  while (owner !== null && owner.token !== token) owner = await readOwner(`${path}.${owner.token}.next`);
  return owner !== null;
}

async function replaceLock(draft: string, path: string): Promise<void> {
  const copy = `${draft}.lock`;
  await link(draft, copy);
  await rename(copy, path);
}

async function isGone(
  file: string,
  holder: LockOwner,
  draft: string,
  options: LockOptions,
): Promise<boolean> {
  const verdict = await judgeLife(holder);
  if (verdict !== 'unknown') return verdict === 'over';
  try {
    // Both by the clock of the file system: ours may be wrong.
    const fresh = `${draft}.now`;
    await writeFile(fresh, '', { flag: 'w' });
    const [then, mark] = await Promise.all([stat(file), stat(fresh)]);
    await removeFile(fresh);
    return mark.mtimeMs - then.mtimeMs > (options.foreignLeftAfterMs ?? 120_000);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Null: there is none, or nothing that one of us wrote. */
async function readOwner(path: string): Promise<LockOwner | null> {
  try {
    const owner = JSON.parse(await readFile(path, 'utf8')) as Partial<LockOwner>;
    const { token, life, place, pid } = owner;
    if (typeof token !== 'string' || typeof life !== 'string' || typeof place !== 'string') return null;
    return /^[0-9a-f-]{36}$/.test(token) ? { token, life, place, pid: Number(pid) } : null;
  } catch {
    // Given back meanwhile, or damaged; the second ends in `REPOSITORY_BUSY`, which says what to remove.
    return null;
  }
}

async function makeLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

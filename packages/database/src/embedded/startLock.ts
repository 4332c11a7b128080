import { randomUUID } from 'node:crypto';
import { link, readFile, rename, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseError, errorCode } from '../errors.js';
import { WAY_OUT } from './layout.js';
import { isLiving, type ProcessIdentity, processIdentity } from './processIdentity.js';

interface Holder extends ProcessIdentity {
  token: string;
}

const BEAT_MS = 1_000;
const POLL_MS = 50;
const PATIENCE_MS = 10 * 60_000;

/**
 * Runs `work` while no other process does on the same lock file. A holder that died is recognised: at once by its
 * process id on this machine, else by a lock file that nobody has touched for 15 s, told by our own clock (`silentMs`).
 *
 * @throws DatabaseError `EMBEDDED_LOCKED` after ten minutes
 */
export async function withStartLock<T>(
  lockFile: string,
  work: () => Promise<T>,
  { silentMs = 15_000 }: { silentMs?: number } = {},
): Promise<T> {
  const own: Holder = { token: randomUUID(), ...processIdentity() };
  await acquire(lockFile, own, silentMs);
  const beat = setInterval(() => {
    const now = new Date();
    // A beat that fails lets the lock look abandoned, which is what the directory then is.
    utimes(lockFile, now, now).catch(() => undefined);
  }, BEAT_MS);
  beat.unref();
  try {
    return await work();
  } finally {
    clearInterval(beat);
    await releaseLock(lockFile, own);
  }
}

async function acquire(lockFile: string, own: Holder, silentMs: number): Promise<void> {
  const prepared = `${lockFile}.${own.token}`;
  await writeFile(prepared, JSON.stringify(own), { mode: 0o600 });
  try {
    const giveUpAt = performance.now() + PATIENCE_MS;
    let watched: { state: string; since: number } | undefined;
    while (!(await linkIfAbsent(prepared, lockFile))) {
      const holder = await readHolder(lockFile);
      if (!holder) continue;
      const state = `${holder.token} ${holder.touchedMs}`;
      if (watched?.state !== state) watched = { state, since: performance.now() };
      const silent = performance.now() - watched.since > silentMs;
      if ((silent || !isLiving(holder)) && (await takeOver(lockFile, prepared, holder))) return;
      if (performance.now() > giveUpAt) {
        throw new DatabaseError(
          'EMBEDDED_LOCKED',
          `Process ${holder.pid} has held ${lockFile} for ten minutes. End it, then start again. ${WAY_OUT}`,
        );
      }
      await delay(POLL_MS);
    }
  } finally {
    await unlink(prepared).catch(ignoreMissing);
  }
}

/**
 * Replaces a dead holder's lock by ours. Two processes that both saw it dead must not both succeed, so the
 * replacement is itself done under a file that one can make, after looking again.
 */
export async function takeOver(lockFile: string, prepared: string, dead: Holder): Promise<boolean> {
  const claim = `${lockFile}.takeover`;
  if (!(await linkIfAbsent(prepared, claim))) {
    await removeAbandoned(claim);
    return false;
  }
  try {
    const current = await readHolder(lockFile);
    if (current?.token !== dead.token) return false;
    await rename(prepared, lockFile);
    return true;
  } finally {
    await unlink(claim).catch(ignoreMissing);
  }
}

// Its maker died between two system calls.
async function removeAbandoned(claim: string): Promise<void> {
  const holder = await readHolder(claim);
  if (holder && !isLiving(holder)) await unlink(claim).catch(ignoreMissing);
}

async function releaseLock(lockFile: string, own: Holder): Promise<void> {
  const holder = await readHolder(lockFile);
  if (holder?.token === own.token) await unlink(lockFile).catch(ignoreMissing);
}

async function linkIfAbsent(existing: string, path: string): Promise<boolean> {
  try {
    // A link, not an exclusive create: the file is never seen half written.
    await link(existing, path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function readHolder(file: string): Promise<(Holder & { touchedMs: number }) | undefined> {
  try {
    const [content, { mtimeMs }] = await Promise.all([readFile(file, 'utf8'), stat(file)]);
    return { ...(JSON.parse(content) as Holder), touchedMs: mtimeMs };
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function ignoreMissing(error: unknown): void {
  if (errorCode(error) !== 'ENOENT') throw error;
}

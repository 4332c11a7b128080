import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface LocalLogLimits {
  /** Milliseconds. Default 14 days. */
  readonly olderThanMs?: number;
  /** Of all logs of the directory together; the oldest go first. Default 1 GiB. */
  readonly bytesMax?: number;
  /** Default: now. */
  readonly nowMs?: number;
}

/** What `createLogShipper` makes of `<attempt>.log`. Nothing else in the directory is touched. */
const LOG_FILE = /^att_[0-9a-f-]{36}\.log(?:\.tail|\.tail-before)?$/;
const AGE_MS = 14 * 24 * 60 * 60_000;
const BYTES_MAX = 1024 ** 3;

/**
 * Removes local logs of attempts that are too old, or too many; one that is still written is young. For the start of a
 * daemon. Returns how many files are gone. A directory that isn't there has none.
 */
export async function pruneLocalLogs(directory: string, limits: LocalLogLimits = {}): Promise<number> {
  const oldestMs = (limits.nowMs ?? Date.now()) - (limits.olderThanMs ?? AGE_MS);
  const bytesMax = limits.bytesMax ?? BYTES_MAX;
  const files = await listLogs(directory);
  let [keptBytes, removed] = [0, 0];
  for (const file of files.sort((a, b) => b.changedMs - a.changedMs)) {
    keptBytes += file.bytes;
    if (file.changedMs >= oldestMs && keptBytes <= bytesMax) continue;
    await rm(file.path, { force: true });
    removed += 1;
  }
  return removed;
}

async function listLogs(directory: string): Promise<{ path: string; bytes: number; changedMs: number }[]> {
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const files = [];
  for (const name of names) {
    if (!LOG_FILE.test(name)) continue;
    const path = join(directory, name);
    try {
      const { size, mtimeMs } = await stat(path);
      files.push({ path, bytes: size, changedMs: mtimeMs });
    } catch (error) {
      // Its attempt has just ended, and its parts are one file now.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return files;
}

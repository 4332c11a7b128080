import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { askGit, splitRecords } from './askGit.js';
import { isProgramKey } from './programKeys.js';
import type { Repository } from './repository.js';

/** Keys of configuration that make git run programs, each with a digest of its values: these may hold secrets. */
export type Programs = Readonly<Record<string, string>>;

type Place = Pick<Repository, 'path' | 'environment' | 'gitDirectory'>;

const FILES_MAX = 50;
const INCLUDE_KEY = /^include(?:if\..*)?\.path$/is;

/**
 * Reads them from the repository's own configuration (`adminDirectory` null), or from that of one worktree, with all
 * files that these include, whether or not the condition of an include holds now. Runs none of them.
 */
export async function readPrograms(place: Place, adminDirectory: string | null): Promise<Programs> {
  const files =
    adminDirectory === null
      ? [join(place.gitDirectory, 'config'), join(place.gitDirectory, 'config.worktree')]
      : [join(adminDirectory, 'config.worktree')];
  const values = new Map<string, string[]>();
  const seen = new Set<string>();
  const queue = [...files];
  for (let file = queue.shift(); file !== undefined && seen.size < FILES_MAX; file = queue.shift()) {
    if (seen.has(file) || !existsSync(file)) continue;
    seen.add(file);
    for (const [name, value] of await listFile(place, file)) {
      if (INCLUDE_KEY.test(name) && value !== null) queue.push(resolveInclude(place, file, value));
      if (isProgramKey(name)) values.set(name, [...(values.get(name) ?? []), file, value ?? '\0']);
    }
  }
  return Object.fromEntries(
    [...values].map(([name, found]) => [
      name,
      createHash('sha256').update(JSON.stringify(found)).digest('hex').slice(0, 32),
    ]),
  );
}

/** Names of keys that are there now and were not, or were otherwise, or are gone. Pure. */
export function comparePrograms(before: Programs, now: Programs): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(now)])]
    .filter((name) => before[name] !== now[name])
    .sort();
}

async function listFile(place: Place, file: string): Promise<[name: string, value: string | null][]> {
  const { stdout } = await askGit(place, ['config', '--file', file, '--no-includes', '--list', '-z']);
  return splitRecords(stdout).map((record) => {
    const text = record.toString('utf8');
    const end = text.indexOf('\n');
    return end === -1 ? [text, null] : [text.slice(0, end), text.slice(end + 1)];
  });
}

function resolveInclude({ environment }: Place, file: string, path: string): string {
  const home = environment.HOME ?? homedir();
  return path.startsWith('~/') ? join(home, path.slice(2)) : resolve(dirname(file), path);
}

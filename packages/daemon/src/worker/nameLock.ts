import { mkdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isLifeOver } from '../process/strays.js';
import { DaemonError } from './daemonError.js';

/**
 * Makes `directory` the place of this life of a daemon: two with one name would end each other's agents.
 * @param life see `describeDaemonLife`.
 * @returns lets go of it.
 */
export async function holdName(directory: string, name: string, life: string): Promise<() => Promise<void>> {
  const file = join(directory, 'life');
  try {
    for (;;) {
      if (await claim(directory, file, life)) return () => letGo(directory, file);
      const holder = await readFile(file, 'utf8').catch(() => '');
      if (holder !== '' && !(await isLifeOver(holder))) break;
      await rm(file, { force: true });
    }
  } catch (cause) {
    throw new DaemonError(
      'DIRECTORY_UNUSABLE',
      `Cannot use ${directory}: ${(cause as Error).message}. Check permissions and free space there, or choose another directory (NEOLITH_HOME).`,
      { cause },
    );
  }
  throw new DaemonError(
    'NAME_IN_USE',
    `A daemon named ${JSON.stringify(name)} runs on this machine already. Give this one another name, or end that one first.`,
  );
}

/** False: somebody has it, or had it a moment ago. */
async function claim(directory: string, file: string, life: string): Promise<boolean> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  try {
    await writeFile(file, life, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Without the directory: whoever let go of the name has just taken it away.
    if (code !== 'EEXIST' && code !== 'ENOENT') throw error;
    return false;
  }
}

/** Names of daemons may be as many as there are runs: what is empty goes. */
async function letGo(directory: string, file: string): Promise<void> {
  await rm(file, { force: true });
  try {
    await rmdir(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOENT') throw error;
  }
}

import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { layoutOf } from '../embedded/layout.js';
import { isLiving, processIdentity } from '../embedded/processIdentity.js';
import { stopServer } from '../embedded/stopServer.js';
import { errorCode } from '../errors.js';

const PREFIX = 'neolith-test-postgres-';

/** Makes a temporary directory that names this process as its owner. */
export async function makeOwnedDirectory(): Promise<string> {
  const directory = join(tmpdir(), `${PREFIX}${process.pid}-${randomBytes(4).toString('hex')}`);
  await mkdir(directory, { mode: 0o700 });
  await writeFile(join(directory, 'owner'), JSON.stringify(processIdentity()));
  return directory;
}

/** Ends and removes the servers of test runs that were killed: an embedded server outlives its starter. */
export async function removeAbandonedServers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(PREFIX)) continue;
    const directory = join(tmpdir(), name);
    const owner = await readOwned(join(directory, 'owner'));
    if (owner === undefined || isLiving(JSON.parse(owner))) continue;
    const layout = layoutOf(directory);
    const password = await readOwned(layout.passwordFile);
    try {
      if (password) await stopServer(layout, password.trim());
      await rm(directory, { recursive: true, force: true });
    } catch (error) {
      // Held by a client that was left over too. Somebody else's dirt must not fail this run.
      process.stderr.write(`${directory} can't be removed: ${(error as Error).message}\n`);
    }
  }
}

async function readOwned(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    // Half made, half removed, or another user's.
    if (['ENOENT', 'EACCES'].includes(errorCode(error) ?? '')) return undefined;
    throw error;
  }
}

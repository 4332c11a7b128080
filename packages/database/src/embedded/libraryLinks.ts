import { readFile, readlink, symlink, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errorCode } from '../errors.js';

interface LibraryLink {
  source: string;
  target: string;
}

/**
 * Makes the links between library versions that the npm package can't carry; it makes them in an install script,
 * which package managers may skip. Several processes may do it at once. Rejects with the system's error where
 * the directory can't be written.
 */
export async function makeLibraryLinks(packageDirectory: string): Promise<void> {
  const list = join(packageDirectory, 'native', 'pg-symlinks.json');
  const links = JSON.parse(await readFile(list, 'utf8')) as LibraryLink[];
  for (const { source, target } of links) {
    await makeLink(basename(source), join(packageDirectory, dirname(target), basename(target)));
  }
}

async function makeLink(source: string, link: string): Promise<void> {
  for (;;) {
    try {
      await symlink(source, link);
      return;
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') {
        if ((await currentTarget(link)) === source) return;
        throw error;
      }
    }
    const current = await currentTarget(link);
    // A real file by that name is what the link stands for.
    if (current === source || current === 'not a link') return;
    await unlink(link).catch((error: unknown) => {
      if (errorCode(error) !== 'ENOENT') throw error;
    });
  }
}

async function currentTarget(link: string): Promise<string | undefined> {
  try {
    return await readlink(link);
  } catch (error) {
    if (errorCode(error) === 'EINVAL') return 'not a link';
    return undefined;
  }
}

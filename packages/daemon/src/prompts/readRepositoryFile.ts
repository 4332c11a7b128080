import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { basename, extname, isAbsolute, join, relative, sep } from 'node:path';

export interface RepositoryText {
  /** At most the bytes that were asked for. */
  readonly text: string;
  /** Where it really lies: two names may lead to one file. */
  readonly realPath: string;
}

/**
 * Reads the beginning of a text file of a repository, or says null: it isn't there, is no regular file, or leads
 * to somewhere else by a symbolic link. A link within the repository is followed (CLAUDE.md is often one to
 * AGENTS.md), but only to a file of the same sort: a link to `.env` or into `.git` would put secrets into a prompt.
 * @param root real path of the repository.
 */
export async function readRepositoryFile(
  root: string,
  name: string,
  bytesMax: number,
): Promise<RepositoryText | null> {
  try {
    const realPath = await realpath(join(root, name));
    if (!isInside(root, realPath) || !isSameSort(name, realPath)) return null;
    const file = await open(realPath, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      if (!(await file.stat()).isFile()) return null;
      const buffer = Buffer.alloc(bytesMax);
      let length = 0;
      while (length < bytesMax) {
        const { bytesRead } = await file.read(buffer, length, bytesMax - length, length);
        if (bytesRead === 0) break;
        length += bytesRead;
      }
      return { text: buffer.toString('utf8', 0, length).replace(/^\uFEFF/, ''), realPath };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isAbsence(error)) return null;
    throw error;
  }
}

/** There is no such file, or none for us: for facts that may all be missing that is the same. */
export function isAbsence(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP', 'EISDIR', 'ENXIO'].includes(code ?? '');
}

function isInside(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '' && !isAbsolute(way) && way.split(sep)[0] !== '..' && !way.split(sep).includes('.git');
}

function isSameSort(name: string, realPath: string): boolean {
  return (
    basename(name) === basename(realPath) || (extname(name) !== '' && extname(name) === extname(realPath))
  );
}

import { chmod, lstat, mkdir, realpath } from 'node:fs/promises';
import { GitError } from './gitError.js';

/**
 * Makes a directory that only we can enter (0700), or takes one that is ours already.
 * @returns its real path.
 * @throws GitError `DIRECTORY_UNUSABLE`: not ours, a link, or writable by others: what lies in it could be swapped.
 */
export async function preparePrivateDirectory(path: string, what: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const stat = await lstat(path);
    const refuse = (reason: string): never => {
      throw new GitError(
        'DIRECTORY_UNUSABLE',
        `${what} ${path} ${reason}. Choose another directory, or put this one right.`,
      );
    };
    if (stat.isSymbolicLink()) refuse('is a symbolic link');
    if (!stat.isDirectory()) refuse('is not a directory');
    const uid = process.getuid?.();
    if (uid !== undefined && stat.uid !== uid) refuse(`belongs to user ${stat.uid}, not to us (${uid})`);
    if ((stat.mode & 0o022) !== 0) refuse('can be written by other users (chmod go-w)');
    if ((stat.mode & 0o077) !== 0) await chmod(path, 0o700);
    return await realpath(path);
  } catch (cause) {
    if (cause instanceof GitError) throw cause;
    throw new GitError(
      (cause as NodeJS.ErrnoException).code === 'ENOSPC' ? 'DISK_FULL' : 'DIRECTORY_UNUSABLE',
      `${what} ${path} can't be made: ${(cause as Error).message}. Check permissions and free space, or choose another directory.`,
      { cause },
    );
  }
}

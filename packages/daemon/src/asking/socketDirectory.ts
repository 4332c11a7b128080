import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdtemp, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** Where the agents of one daemon find what they may ask. */
export interface SocketDirectory {
  /** How agents call the neolith command: a program's name or path. */
  readonly command: string;
  /** Of one attempt; nobody who hasn't been told it can guess it. */
  newPath(): string;
  close(): Promise<void>;
}

/** macOS has room for 103 bytes and a NUL, Linux for four more. */
const SOCKET_PATH_BYTES_MAX = 103;
const PREFIX = 'neolith-';
/** `/neolith-XXXXXX/` and 22 characters of 16 random bytes. */
const BELOW_BYTES = 38;
/** Says in the daemon's own directory where its sockets are, so that its next life can remove them. */
const RECORD = 'sockets';

/**
 * Makes a directory for sockets: of this user alone, with a short path, since that of a socket may have 103 bytes only.
 * It can't be listed: agents run as this user, too, and none is to find the sockets of others by looking. What an earlier
 * life left is removed.
 * @param root the daemon's own directory; exists.
 * @param command how neolith is called here. Default: `neolith`, as agents find it in their PATH.
 */
export async function openSocketDirectory(
  root: string,
  command: readonly string[] | undefined,
): Promise<SocketDirectory> {
  const record = join(root, RECORD);
  await removeRecorded(record);
  const base = tmpdir();
  const isShort = Buffer.byteLength(base) + BELOW_BYTES <= SOCKET_PATH_BYTES_MAX;
  const directory = await mkdtemp(join(isShort ? base : '/tmp', PREFIX));
  await symlink(directory, record);
  const wrapper = join(directory, 'neolith');
  if (command !== undefined) {
    const words = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
    await writeFile(wrapper, `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o500, flag: 'wx' });
  }
  await chmod(directory, 0o300);
  return {
    command: command === undefined ? 'neolith' : wrapper,
    newPath: () => join(directory, randomBytes(16).toString('base64url')),
    close: () => removeRecorded(record),
  };
}

async function removeRecorded(record: string): Promise<void> {
  const directory = await readlink(record).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (directory === null) return;
  if (basename(directory).startsWith(PREFIX) && (await isOurs(directory))) {
    await chmod(directory, 0o700);
    await rm(directory, { recursive: true, force: true });
  }
  await rm(record, { force: true });
}

/** Whoever tidies up temporary files may have been there, and somebody else may have taken the name. */
async function isOurs(directory: string): Promise<boolean> {
  try {
    const stat = await lstat(directory);
    return stat.isDirectory() && stat.uid === process.getuid?.();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

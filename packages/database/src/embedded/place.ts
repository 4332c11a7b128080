import { createHash } from 'node:crypto';
import { access, chmod, chown, constants, mkdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { DatabaseError, errorCode, errorText } from '../errors.js';
import { type Layout, layoutOf, WAY_OUT } from './layout.js';
import { isReachable, type ServiceUser } from './serviceUser.js';

/** Where data or binaries go when the service user can't reach them where they are. */
export const SERVICE_DIRECTORY = '/var/lib/neolith';

/**
 * Makes the directory of an embedded server and returns its layout. As root it must be reachable for `user`:
 * where it isn't (below /root, say) its contents lie in /var/lib/neolith/<hash of the path>, which is logged.
 *
 * @throws DatabaseError `EMBEDDED_DIRECTORY_UNUSABLE`, `EMBEDDED_DISK_FULL`
 */
export async function preparePlace(
  dataDirectory: string,
  user: ServiceUser | undefined,
  log: (message: string) => void,
): Promise<Layout> {
  const wanted = resolve(dataDirectory);
  try {
    return layoutOf(await makeDirectory(wanted, user, log));
  } catch (error) {
    if (error instanceof DatabaseError) throw error;
    throw unusable(wanted, error);
  }
}

async function makeDirectory(
  wanted: string,
  user: ServiceUser | undefined,
  log: (message: string) => void,
): Promise<string> {
  // Only the directory itself is closed to others: its parents must let the service user through.
  await mkdir(dirname(wanted), { recursive: true });
  await mkdir(wanted, { recursive: true, mode: 0o700 });
  const root = await realpath(wanted);
  if (!user) {
    const { uid } = await stat(root);
    if (uid !== process.getuid?.()) throw new Error(`it belongs to another user (uid ${uid})`);
    await access(root, constants.R_OK | constants.W_OK | constants.X_OK);
    return root;
  }
  if (await isReachable(dirname(root), user)) return giveTo(user, root);

  const moved = join(SERVICE_DIRECTORY, createHash('sha256').update(root).digest('hex').slice(0, 16));
  await mkdir(SERVICE_DIRECTORY, { recursive: true, mode: 0o755 });
  await mkdir(moved, { recursive: true, mode: 0o700 });
  log(`the user "${user.name}" can't reach ${root}: PostgreSQL's data lies in ${moved}`);
  return giveTo(user, moved);
}

async function giveTo(user: ServiceUser, directory: string): Promise<string> {
  await chown(directory, user.uid, user.gid);
  await chmod(directory, 0o700);
  return directory;
}

/** The error for a directory that a system call refused. */
export function unusable(directory: string, cause: unknown): DatabaseError {
  const code = errorCode(cause);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new DatabaseError(
      'EMBEDDED_DISK_FULL',
      `No space left for the embedded PostgreSQL in ${directory}. Free some and start again; nothing is lost. ${WAY_OUT}`,
      { cause },
    );
  }
  const reason =
    code === 'EROFS'
      ? 'it is on a read-only file system'
      : code === 'EACCES' || code === 'EPERM'
        ? 'no permission to write there'
        : errorText(cause);
  return new DatabaseError(
    'EMBEDDED_DIRECTORY_UNUSABLE',
    `The embedded PostgreSQL can't keep its data in ${directory}: ${reason}. ` +
      `Make it writable, or name another place with NEOLITH_HOME. ${WAY_OUT}`,
    { cause },
  );
}

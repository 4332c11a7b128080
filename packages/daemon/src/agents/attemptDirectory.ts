import { constants } from 'node:fs';
import { chmod, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from './agentError.js';

/** Ids become names of directories; nothing else may. */
const SAFE_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/;

/**
 * Makes the private directory of one attempt, mode 0700, empty: what an interrupted start left is removed.
 * @returns its path.
 */
export async function prepareAttemptDirectory(root: string, attemptId: string): Promise<string> {
  if (!SAFE_ID.test(attemptId)) {
    throw new AgentError(
      'ATTEMPT_DIRECTORY_UNUSABLE',
      `${JSON.stringify(attemptId)} can't name a directory: an attempt id has letters, digits, "-" and "_" only.`,
    );
  }
  const directory = join(root, attemptId);
  try {
    await mkdir(root, { recursive: true, mode: 0o700 });
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { mode: 0o700 });
    // The umask may have taken more away than we want.
    await chmod(directory, 0o700);
  } catch (cause) {
    throw new AgentError(
      'ATTEMPT_DIRECTORY_UNUSABLE',
      `Cannot make the attempt's directory ${directory}: ${(cause as Error).message}. Check permissions and free space there, or choose another directory.`,
      { cause },
    );
  }
  return directory;
}

/** Removes it with everything in it; fine when it is gone already. */
export async function removeAttemptDirectory(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
}

/** Writes a file that only we can read. Fails when something, a planted link for example, is there already. */
export async function writePrivateFile(path: string, content: string): Promise<void> {
  const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;
  const file = await open(path, flags, 0o600);
  try {
    await file.writeFile(content);
  } finally {
    await file.close();
  }
}

import { join } from 'node:path';
import { getRuntime, homeDirectory } from '../engine';
import { log } from '../log';
import { ensureTokenFile } from './ensureTokenFile';
import { ensureWorkspace } from './ensureWorkspace';
import { withFirstStartLock } from './withFirstStartLock';

const KEY = Symbol.for('neolith.web.bootstrapped');
const holder = globalThis as { [KEY]?: boolean };

export function isBootstrapped(): boolean {
  return holder[KEY] === true;
}

/**
 * What a first start leaves behind: a workspace, and the token file of this machine. Doing it again changes nothing.
 * A home that can't be written costs the token file, not the server: tokens made elsewhere still work.
 */
export async function bootstrap(env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const { database, engine } = await getRuntime();
  const file = join(await homeDirectory(env), 'token');
  await withFirstStartLock(database, async () => {
    const workspaceId = await ensureWorkspace(database, engine);
    try {
      const outcome = await ensureTokenFile(database, workspaceId, file);
      if (outcome === 'made') log.info({ file }, 'A token was made for this machine');
      if (outcome === 'replaced')
        log.warn({ file }, 'The token in the file was not valid here: a new one was made');
    } catch (error) {
      if (!isFileTrouble(error)) throw error;
      log.error(
        { file, err: error },
        'The token file can not be written: set NEOLITH_HOME to a directory that can',
      );
    }
  });
  holder[KEY] = true;
}

function isFileTrouble(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENOTDIR', 'EISDIR', 'EEXIST'].includes(
    String(code),
  );
}

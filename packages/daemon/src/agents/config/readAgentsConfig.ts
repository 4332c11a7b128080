import { existsSync } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { isInside } from '../../git/isInside.js';
import { type AgentsConfig, listSecrets, NO_AGENTS_CONFIG } from './agentsConfig.js';
import { AgentsConfigError } from './agentsConfigError.js';
import { parseAgentsConfig } from './parseAgentsConfig.js';

export const AGENTS_CONFIG_FILE = 'agents.config.json';
const BYTES_MAX = 1024 * 1024;
const WRITABLE_BY_OTHERS = 0o022;
const OPEN_TO_OTHERS = 0o077;

export interface AgentsConfigPlace {
  readonly file: string;
  /** Whether somebody named it: then it must be there. */
  readonly isNamed: boolean;
  /** Where agents work. In the repository around it the file must not be: a repository is never to give commands. */
  readonly workDirectory: string;
}

/**
 * The operator's settings for agents; nothing is set where there is no such file and nobody named one.
 * @throws `AgentsConfigError` when it is there and can't be read, used, or trusted.
 */
export async function readAgentsConfig({
  file,
  isNamed,
  workDirectory,
}: AgentsConfigPlace): Promise<AgentsConfig> {
  const path = resolve(file);
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT' && !isNamed) return NO_AGENTS_CONFIG;
    throw unreadable(path, cause);
  }
  try {
    await refuseInRepository(path, workDirectory);
    // Of what was opened: the name may stand for another file by now.
    const { mode, uid, size } = await handle.stat().then((status) => {
      if (!status.isFile()) throw unreadable(path, new Error('it is not a file'));
      return status;
    });
    if (size > BYTES_MAX) throw unreadable(path, new Error(`it is larger than ${BYTES_MAX} bytes`));
    refuseForeign(path, mode, uid);
    const agents = parseAgentsConfig(await readText(handle, path), path);
    const secrets = listSecrets(agents);
    if (secrets.length > 0 && (mode & OPEN_TO_OTHERS) !== 0) {
      throw new AgentsConfigError(
        'AGENTS_CONFIG_UNSAFE',
        `${path} holds secrets, and others on this machine can read it. Close it: chmod 600 ${path}`,
      );
    }
    return { file: path, agents, secrets };
  } finally {
    await handle.close();
  }
}

async function readText(handle: FileHandle, path: string): Promise<string> {
  try {
    return await handle.readFile('utf8');
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): AgentsConfigError {
  return new AgentsConfigError(
    'AGENTS_CONFIG_UNREADABLE',
    `${path} can't be read: ${(cause as Error).message}. Check what it is and who may read it, or name another file by --agents-config.`,
    [],
    { cause },
  );
}

/** Whoever can write it has commands of his run as us. */
function refuseForeign(path: string, mode: number, uid: number): void {
  const ours = process.getuid?.();
  if (ours === undefined) return;
  if (uid !== ours && uid !== 0) {
    throw new AgentsConfigError(
      'AGENTS_CONFIG_UNSAFE',
      `${path} belongs to another user, who could have commands run here. Make it yours: chown ${ours} ${path}`,
    );
  }
  if ((mode & WRITABLE_BY_OTHERS) !== 0) {
    throw new AgentsConfigError(
      'AGENTS_CONFIG_UNSAFE',
      `${path} can be written by others on this machine, who could have commands run here. Close it: chmod 600 ${path}`,
    );
  }
}

async function refuseInRepository(path: string, workDirectory: string): Promise<void> {
  const root = findWorkTree(await realpath(workDirectory).catch(() => resolve(workDirectory)));
  // Both as it is named and as it is: a link may lead into the repository, or out of it.
  const places = [path, join(await realpath(dirname(path)), basename(path)), await realpath(path)];
  if (root === null || !places.some((place) => isInside(place, root))) return;
  throw new AgentsConfigError(
    'AGENTS_CONFIG_UNSAFE',
    `${path} is in ${root}, where agents work: whoever can change that could have commands run here. Keep it elsewhere: in ~/.neolith, in a NEOLITH_HOME outside, or where --agents-config says.`,
  );
}

/** The repository around a directory; null: there is none. */
function findWorkTree(directory: string): string | null {
  for (let at = directory; ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return at;
    if (at === dirname(at)) return null;
  }
}

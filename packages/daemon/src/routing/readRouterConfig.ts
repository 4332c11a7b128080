import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseRouterConfig } from './parseRouterConfig.js';
import { DEFAULT_ROUTER_CONFIG, type RouterConfig } from './routerConfig.js';
import { RouterConfigError } from './routerConfigError.js';

export const ROUTER_CONFIG_FILE = 'router.config.json';
const BYTES_MAX = 1024 * 1024;

/**
 * The routing configuration of a directory, from its `router.config.json`; the defaults where there is none. Or that of
 * a file of whatever name.
 * @throws `RouterConfigError` when the file is there and can't be read or used.
 */
export async function readRouterConfig(place: string): Promise<RouterConfig> {
  const path = (await isFile(place)) ? place : join(place, ROUTER_CONFIG_FILE);
  return readRouterFile(path);
}

/** The same of this very file. */
export async function readRouterFile(path: string): Promise<RouterConfig> {
  const text = await readText(path);
  return text === null ? DEFAULT_ROUTER_CONFIG : parseRouterConfig(text, path);
}

async function readText(path: string): Promise<string | null> {
  try {
    const file = await open(path, 'r');
    try {
      const status = await file.stat();
      if (!status.isFile()) throw new Error('it is not a file');
      if (status.size > BYTES_MAX) throw new Error(`it is larger than ${BYTES_MAX} bytes`);
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new RouterConfigError(
      'ROUTER_CONFIG_UNREADABLE',
      `${path} can't be read: ${(cause as Error).message}. Check what it is and who may read it, or remove it to route by the defaults.`,
      [],
      { cause },
    );
  }
}

async function isFile(place: string): Promise<boolean> {
  try {
    return (await stat(place)).isFile();
  } catch {
    // What is not there, or can't be looked at, is told when it is read.
    return false;
  }
}

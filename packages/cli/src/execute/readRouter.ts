import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseRouterConfig, ROUTER_CONFIG_FILE, type RouterConfig, readRouterConfig } from '@neolith/daemon';
import { CommandError } from '../output/commandError.js';

/**
 * The routing configuration that was named: a file, or a directory with a `router.config.json`; where none was named that
 * of `directory`, if it has one.
 * @throws CommandError `FILE_NOT_FOUND`; RouterConfigError
 */
export async function readRouter(named: string | undefined, directory: string): Promise<RouterConfig> {
  if (named === undefined) return readRouterConfig(directory);
  const path = resolve(named);
  try {
    const file = (await stat(path)).isDirectory() ? join(path, ROUTER_CONFIG_FILE) : path;
    return parseRouterConfig(await readFile(file, 'utf8'), file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new CommandError('notFound', 'FILE_NOT_FOUND', `There is no routing configuration ${named}.`, {
      cause,
    });
  }
}

import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  followRouterConfig,
  ROUTER_CONFIG_FILE,
  type RouterConfigSource,
  type WorkerLog,
} from '@neolith/daemon';
import { CommandError } from '../output/commandError.js';

/** The routing configuration, as it is at each choice. */
export interface FollowedRouter extends RouterConfigSource {
  /** Where it tells from now on of changes, and of what can't be used. */
  tellTo(log: WorkerLog): void;
}

/**
 * Follows the routing configuration that was named: a file, or a directory with a `router.config.json`; where none was
 * named that of `directory`, if it has one.
 * @throws CommandError `FILE_NOT_FOUND`; RouterConfigError
 */
export async function readRouter(named: string | undefined, directory: string): Promise<FollowedRouter> {
  let log: WorkerLog | null = null;
  const place = named === undefined ? directory : resolve(named);
  if (named !== undefined) await requireThere(place, named);
  const source = await followRouterConfig(place, {
    isNamed: named !== undefined,
    onChange: ({ rules }, path) =>
      log?.info('The routing configuration has changed; it counts for the next task', {
        path,
        rules: rules.length,
      }),
    onProblem: ({ code, message }) => log?.error(message, { code }),
  });
  return {
    ...source,
    tellTo(given) {
      log = given;
    },
  };
}

async function requireThere(path: string, named: string): Promise<void> {
  try {
    if ((await stat(path)).isDirectory()) await stat(join(path, ROUTER_CONFIG_FILE));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new CommandError('notFound', 'FILE_NOT_FOUND', `There is no routing configuration ${named}.`, {
      cause,
    });
  }
}

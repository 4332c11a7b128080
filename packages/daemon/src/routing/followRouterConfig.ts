import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ROUTER_CONFIG_FILE, readRouterFile } from './readRouterConfig.js';
import { DEFAULT_ROUTER_CONFIG, type RouterConfig } from './routerConfig.js';
import { RouterConfigError } from './routerConfigError.js';

/** The routing configuration as it is now. */
export interface RouterConfigSource {
  /** As it was read last; asks nothing. */
  latest(): RouterConfig;
  /** Looks whether the file has changed, and reads it then. Never rejects. What it answers doesn't change any more. */
  current(): Promise<RouterConfig>;
}

export interface FollowOptions {
  /** Told when a changed file counts from now on. */
  readonly onChange?: (config: RouterConfig, path: string) => void;
  /** Told once of each state of the file that can't be used, or that is missing; the last good one counts on. */
  readonly onProblem?: (error: RouterConfigError) => void;
}

/** So often in a row a file is missing or half-written before it is believed. */
const MISSING_LOOKS = 2;
const READS_MAX = 3;

/**
 * Follows a routing configuration: a file, or the `router.config.json` of a directory. It is looked at by `stat` before each
 * choice, which costs some hundredths of a millisecond, and read only when its time, size or inode differ: watching would
 * miss what editors do (they put another file in its place), tells nothing on network file systems, and differs
 * between systems. A choice works with the one configuration that it was given.
 *
 * A file that can't be used leaves the last good one in force. One that is gone is believed at the second look, for some
 * editors take it away before they put the new one there; then the defaults hold, where nobody named it.
 * @param isNamed somebody asked for this very file: where it is gone, the last good one counts on
 * @throws RouterConfigError where it can't be used at the beginning
 */
export async function followRouterConfig(
  place: string,
  options: FollowOptions & { readonly isNamed?: boolean } = {},
): Promise<RouterConfigSource> {
  const path = (await isDirectory(place)) ? join(place, ROUTER_CONFIG_FILE) : place;
  let seen = await look(path);
  let config = await readRouterFile(path);
  let missing = 0;
  let looking: Promise<void> | null = null;

  async function refresh(): Promise<void> {
    for (let read = 0; read < READS_MAX; read += 1) {
      const now = await look(path);
      if (now === seen) {
        if (now !== null) missing = 0;
        return;
      }
      if (now === null) {
        missing += 1;
        if (missing < MISSING_LOOKS) return;
        seen = null;
        forget();
        return;
      }
      missing = 0;
      try {
        const next = await readRouterFile(path);
        // Written to while it was read: it is read once more.
        if ((await look(path)) !== now) continue;
        seen = now;
        config = next;
        options.onChange?.(next, path);
      } catch (error) {
        if ((await look(path)) !== now) continue;
        seen = now;
        options.onProblem?.(keepsLast(error));
      }
      return;
    }
  }

  function forget(): void {
    if (options.isNamed === true) {
      options.onProblem?.(
        new RouterConfigError(
          'ROUTER_CONFIG_UNREADABLE',
          `${path} is gone. What it said last counts until it is there again.`,
        ),
      );
      return;
    }
    config = DEFAULT_ROUTER_CONFIG;
    options.onChange?.(config, path);
  }

  return {
    latest: () => config,
    async current() {
      looking ??= refresh().finally(() => {
        looking = null;
      });
      await looking;
      return config;
    },
  };
}

/** What tells one state of the file from another; null: it is not there. */
async function look(path: string): Promise<string | null> {
  try {
    const { mtimeNs, ctimeNs, size, ino, dev } = await stat(path, { bigint: true });
    return [mtimeNs, ctimeNs, size, ino, dev].join(' ');
  } catch (error) {
    // What is there and can't be looked at is told when it is read.
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? null : String(error);
  }
}

async function isDirectory(place: string): Promise<boolean> {
  try {
    return (await stat(place)).isDirectory();
  } catch {
    // What is not there, or can't be looked at, is told when it is read.
    return false;
  }
}

function keepsLast(error: unknown): RouterConfigError {
  if (!(error instanceof RouterConfigError)) {
    return new RouterConfigError(
      'ROUTER_CONFIG_UNREADABLE',
      `The routing configuration can't be read: ${String(error)}. What it said last counts on.`,
      [],
      { cause: error },
    );
  }
  return new RouterConfigError(
    error.code,
    `${error.message} Until then the last one that could be used counts.`,
    error.problems,
    { cause: error },
  );
}

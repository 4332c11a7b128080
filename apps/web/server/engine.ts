import type { Database } from '@neolith/database';
import type { WorkEngine } from '@neolith/work-engine';
import { log } from './log';
import { countWork } from './metrics/countWork';

export interface Runtime {
  readonly database: Database;
  /** For all workspaces; narrow it with `as` before using it for a caller. */
  readonly engine: WorkEngine;
}

/** On globalThis: Next bundles instrumentation and routes apart, and each bundle would open a pool of its own. */
const KEY = Symbol.for('neolith.web.runtime');
const holder = globalThis as { [KEY]?: Promise<Runtime> };

/**
 * The bundler follows links of the workspace to their sources and bundles them whatever `serverExternalPackages` says,
 * and of a bundled migration engine or PostgreSQL nothing would find its files. So Node loads these two.
 */
async function open(): Promise<Runtime> {
  const [{ connectDatabase }, { createWorkEngine }] = await Promise.all([
    import(/* turbopackIgnore: true */ '@neolith/database'),
    import(/* turbopackIgnore: true */ '@neolith/work-engine'),
  ]);
  const database = await connectDatabase(process.env, {
    applicationName: 'neolith-web',
    log: (message) => log.info(message),
  });
  const onError = (error: unknown) =>
    log.warn({ err: error }, 'The event stream could not look into the database');
  return { database, engine: createWorkEngine({ ...database, onError, observe: countWork }) };
}

/** The directory of everything that Neolith keeps on this machine. */
export async function homeDirectory(env: NodeJS.ProcessEnv): Promise<string> {
  const { neolithHome } = await import(/* turbopackIgnore: true */ '@neolith/database');
  return neolithHome(env);
}

/**
 * The one database and engine of this process, made from the environment on first use. A failed start is not kept:
 * the next call tries again, so that a server which came up before its database recovers by itself.
 *
 * @throws DatabaseError where the database can't be opened
 */
export function getRuntime(): Promise<Runtime> {
  if (holder[KEY] === undefined) {
    const opening = open();
    holder[KEY] = opening;
    opening.catch(() => {
      if (holder[KEY] === opening) delete holder[KEY];
    });
  }
  return holder[KEY];
}

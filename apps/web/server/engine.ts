import { connectDatabase, type Database } from '@neolith/database';
import { createWorkEngine, type WorkEngine } from '@neolith/work-engine';

export interface Runtime {
  readonly database: Database;
  /** For all workspaces; narrow it with `as` before using it for a caller. */
  readonly engine: WorkEngine;
}

/** On globalThis: Next bundles instrumentation and routes apart, and each bundle would open a pool of its own. */
const KEY = Symbol.for('neolith.web.runtime');
const holder = globalThis as { [KEY]?: Promise<Runtime> };

async function open(): Promise<Runtime> {
  const database = await connectDatabase(process.env, { applicationName: 'neolith-web' });
  return { database, engine: createWorkEngine({ prisma: database.prisma, pool: database.pool }) };
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

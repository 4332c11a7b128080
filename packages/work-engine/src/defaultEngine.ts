import type { Database } from '@neolith/database';
import { createWorkEngine } from './createWorkEngine.js';
import type { WorkEngine } from './workEngine.js';

/**
 * The engine made from the environment at first use: `DATABASE_URL`, or the embedded PostgreSQL where it is not set.
 * Kept on globalThis, because development servers and bundlers load a module more than once.
 */
const KEY = Symbol.for('@neolith/work-engine/default');
const store = globalThis as { [KEY]?: Promise<{ database: Database; engine: WorkEngine }> };

/** The default engine, started when first asked for. A failed start is not kept: the next call tries again. */
export async function getDefaultEngine(): Promise<WorkEngine> {
  store[KEY] ??= start().catch((error: unknown) => {
    delete store[KEY];
    throw error;
  });
  return (await store[KEY]).engine;
}

/** A bundler must leave this import to Node: bundled, the package would not find its migrations and PostgreSQL's files. */
async function start(): Promise<{ database: Database; engine: WorkEngine }> {
  const { connectDatabase } = await import(
    /* webpackIgnore: true */ /* turbopackIgnore: true */ '@neolith/database'
  );
  const database = await connectDatabase(process.env);
  return { database, engine: createWorkEngine(database) };
}

/** Closes the default engine and its connections, so that a script can end. Harmless where there is none. */
export async function closeDefaultEngine(): Promise<void> {
  const started = store[KEY];
  delete store[KEY];
  if (started === undefined) return;
  const { engine, database } = await started;
  await engine.close();
  await database.close();
}

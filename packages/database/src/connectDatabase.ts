import { join } from 'node:path';
import { migrate } from './migrations/migrate.js';
import { neolithHome } from './neolithHome.js';
import { type Database, type OpenDatabaseOptions, openDatabase } from './openDatabase.js';

export interface ConnectDatabaseOptions extends OpenDatabaseOptions {
  /** Told what a person should know about the embedded server. Default: a line each on stderr. */
  log?: (message: string) => void;
}

/**
 * Opens the database that the environment names, migrated: `DATABASE_URL` when set (nothing embedded is loaded
 * then), else the embedded PostgreSQL of `neolithHome()`, started or attached to. Closing the database leaves
 * an embedded server running: other processes may be on it.
 *
 * @throws DatabaseError
 */
export async function connectDatabase(
  env: NodeJS.ProcessEnv = process.env,
  options: ConnectDatabaseOptions = {},
): Promise<Database> {
  const url = env.DATABASE_URL || (await embeddedUrl(env, options.log ?? printLine));
  await migrate(url);
  return openDatabase(url, options);
}

async function embeddedUrl(env: NodeJS.ProcessEnv, log: (message: string) => void): Promise<string> {
  const { startEmbeddedPostgres } = await import('./embedded/startEmbeddedPostgres.js');
  const server = await startEmbeddedPostgres({ dataDirectory: join(neolithHome(env), 'postgres'), log });
  return server.url;
}

function printLine(message: string): void {
  process.stderr.write(`neolith: ${message}\n`);
}

import type { EmbeddedPostgres, StartEmbeddedPostgresOptions } from './startEmbeddedPostgres.js';

/**
 * Starts the embedded PostgreSQL of a data directory, or attaches to it when it runs already. The server outlives
 * this process, whatever becomes of it; it ends only by `stop()`, its own or another process's.
 *
 * Loads the code of the embedded server on first use: with `DATABASE_URL` nothing of it is needed.
 *
 * @throws DatabaseError with a code that starts with `EMBEDDED_`
 */
export async function startEmbeddedPostgres(
  options: StartEmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const embedded = await import('./startEmbeddedPostgres.js');
  return embedded.startEmbeddedPostgres(options);
}

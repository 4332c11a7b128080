import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import type { SchemaEngine } from '@prisma/schema-engine-wasm';
import pg from 'pg';
import { isConnectionLost } from '../connectionLoss.js';
import { errorCode } from '../errors.js';
import { engineAdapterFactory, type ScriptError } from './engineAdapter.js';
import { loadSchemaEngine } from './loadSchemaEngine.js';

/** Runs `work` with Prisma's migration engine on `url`, and gives its connection back whatever happens. */
export async function withSchemaEngine<T>(
  url: string,
  work: (engine: SchemaEngine) => Promise<T>,
  options: { datamodels?: [string, string][]; onScriptError?: (error: ScriptError) => void } = {},
): Promise<T> {
  const SchemaEngineClass = await loadSchemaEngine();
  // One connection: the engine's statements belong to one session. No statement time-out: a migration of a
  // large table takes as long as it takes.
  const pool = new pg.Pool({
    connectionString: url,
    max: 1,
    application_name: 'neolith-migrate',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 4_000,
    onConnect: watchForOurEnd,
  });
  pool.on('error', () => undefined);
  const lost = watchForLoss(pool);
  try {
    const ignoreEngineLog = () => undefined;
    const engine = await SchemaEngineClass.new(
      { datamodels: options.datamodels },
      ignoreEngineLog,
      bindMigrationAwareSqlAdapterFactory(
        engineAdapterFactory(pool, options.onScriptError ?? (() => undefined)),
      ),
    );
    try {
      return await work(engine);
    } finally {
      engine.free();
    }
  } catch (error) {
    throw lost() ?? error;
  } finally {
    await pool.end();
  }
}

/**
 * Tells how the connection was lost, if that is what the last statement ended by: the engine says no more than that
 * something outside of it failed.
 */
function watchForLoss(pool: pg.Pool): () => unknown {
  let lost: unknown;
  const query = pool.query.bind(pool) as (...args: unknown[]) => Promise<unknown>;
  const watching = async (...args: unknown[]) => {
    lost = undefined;
    try {
      return await query(...args);
    } catch (error) {
      if (isConnectionLost(error)) lost = error;
      throw error;
    }
  };
  Object.assign(pool, { query: watching });
  return () => lost;
}

/**
 * When this process is killed, its migration must not run on and commit behind the back of the next one, which
 * finds it unfinished and applies it again.
 */
async function watchForOurEnd(client: pg.ClientBase): Promise<void> {
  try {
    await client.query(`SET client_connection_check_interval = '500ms'`);
  } catch (error) {
    const unsupportedThere = '22023';
    if (errorCode(error) !== unsupportedThere) throw error;
  }
}

import pg from 'pg';
import { isConnectionLost } from '../connectionLoss.js';
import { databaseName, describeUrl, parseDatabaseUrl, withDatabase } from '../databaseUrl.js';
import { DatabaseError, errorCode, errorText } from '../errors.js';

const OLDEST_SUPPORTED = 15;

/**
 * Connects to the database of `url`, which is created when the server lacks it. The caller ends the client.
 *
 * @throws DatabaseError `DATABASE_URL_INVALID`, `DATABASE_UNREACHABLE`, `DATABASE_MISSING`, `POSTGRES_TOO_OLD`
 */
export async function connectCreating(url: string): Promise<pg.Client> {
  const name = databaseName(parseDatabaseUrl(url));
  const client = await connect(url).catch(async (error: unknown) => {
    if (errorCode(error) !== '3D000') throw unreachable(url, error);
    await createDatabase(url, name);
    return connect(url).catch((cause: unknown) => {
      throw unreachable(url, cause);
    });
  });
  try {
    refuseOldServer(await serverVersion(client));
    return client;
  } catch (error) {
    await client.end();
    throw isConnectionLost(error) ? unreachable(url, error) : error;
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'neolith-migrate',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 4_000,
  });
  // Without a listener a connection that the server ends would end this process; the next query says it too.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function createDatabase(url: string, name: string): Promise<void> {
  const missing = (cause: unknown) =>
    new DatabaseError(
      'DATABASE_MISSING',
      `The database "${name}" doesn't exist at ${describeUrl(url)} and could not be created (${errorText(cause)}). ` +
        `Create it (CREATE DATABASE "${name}") or name another one in DATABASE_URL.`,
      { cause },
    );
  const client = await connect(withDatabase(url, 'postgres')).catch((cause: unknown) => {
    throw missing(cause);
  });
  try {
    await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`);
  } catch (error) {
    const madeBySomebodyElse = ['42P04', '23505'];
    if (!madeBySomebodyElse.includes(errorCode(error) ?? '')) throw missing(error);
  } finally {
    await client.end();
  }
}

async function serverVersion(client: pg.Client): Promise<ServerVersion> {
  const { rows } = await client.query<ServerVersion>(
    `SELECT current_setting('server_version') AS text, current_setting('server_version_num')::int AS number`,
  );
  return rows[0] ?? { text: 'unknown', number: 0 };
}

export interface ServerVersion {
  /** As people write it: `15.4 (Debian 15.4-1)`. */
  text: string;
  /** As PostgreSQL counts: 150004. */
  number: number;
}

/** @throws DatabaseError `POSTGRES_TOO_OLD`, naming the version found */
export function refuseOldServer(found: ServerVersion): void {
  if (found.number >= OLDEST_SUPPORTED * 10_000) return;
  throw new DatabaseError(
    'POSTGRES_TOO_OLD',
    `PostgreSQL ${OLDEST_SUPPORTED} or newer is needed; DATABASE_URL leads to PostgreSQL ${found.text}. ` +
      'Upgrade it, name another one, or unset DATABASE_URL to use the embedded one.',
  );
}

export function unreachable(url: string, cause: unknown): DatabaseError {
  return new DatabaseError(
    'DATABASE_UNREACHABLE',
    `No connection to PostgreSQL at ${describeUrl(url)}: ${errorText(cause) || errorCode(cause)}. ` +
      'Check that it runs and that DATABASE_URL is right, or unset DATABASE_URL to use the embedded one.',
    { cause },
  );
}

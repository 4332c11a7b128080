import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { withDatabase } from '../databaseUrl.js';
import { THROWAWAY_SETTINGS } from '../embedded/serverSettings.js';
import { startEmbeddedPostgres } from '../embedded/startEmbeddedPostgres.js';
import { migrate } from '../migrations/migrate.js';
import { prismaDirectory, readMigrations } from '../migrations/readMigrations.js';
import { makeOwnedDirectory, removeAbandonedServers } from './ownedDirectories.js';

/** Where tests find the servers: set by the global set-up, inherited by the workers. Template URLs with spaces between. */
export const TEST_SERVERS_VARIABLE = 'NEOLITH_TEST_SERVERS';

/**
 * The template on the server of this worker of vitest; `undefined` without the global set-up. Workers share no server
 * while there are as many: who reads events waits for the oldest transaction of its whole server, and would wait for
 * tests that it has nothing to do with.
 */
export function ownTemplateUrl(): string | undefined {
  const urls = process.env[TEST_SERVERS_VARIABLE]?.split(' ') ?? [];
  const worker = Number(process.env.VITEST_POOL_ID ?? 1);
  return urls[(worker - 1) % urls.length];
}

/** A server for tests with a migrated template database on it. */
export interface TestServer {
  /** Leads to the template; `createTestDatabase` clones it. */
  readonly templateUrl: string;
  /** Ends and removes a server that was started for the tests; leaves any other alone. */
  stop(): Promise<void>;
}

export interface StartTestServerOptions {
  /** Whether data must survive a crash of the machine, which makes everything slower. Default false. */
  durable?: boolean;
}

/**
 * A PostgreSQL for tests: the server of `NEOLITH_TEST_DATABASE_URL` when set, else an embedded one in a temporary
 * directory. Its template database is made once for the current migrations.
 */
export async function startTestServer(options: StartTestServerOptions = {}): Promise<TestServer> {
  const server = process.env.NEOLITH_TEST_DATABASE_URL
    ? { url: process.env.NEOLITH_TEST_DATABASE_URL, stop: async () => undefined }
    : await startThrowawayServer(options);
  try {
    return { templateUrl: await makeTemplate(server.url), stop: server.stop };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function startThrowawayServer({ durable = false }: StartTestServerOptions) {
  await removeAbandonedServers();
  const dataDirectory = await makeOwnedDirectory();
  const server = await startEmbeddedPostgres({
    dataDirectory,
    settings: { shared_buffers: '128MB', ...(durable ? {} : THROWAWAY_SETTINGS) },
  });
  return {
    url: server.url,
    async stop() {
      await server.stop();
      await rm(dataDirectory, { recursive: true, force: true });
    },
  };
}

const TEMPLATE_LOCK_KEY = 6_355_146_240_742;

// Named after the migrations' contents: on a server that stays, a changed migration gets a new template. Once
// whole it is marked as one and closed: a connection to it would make every clone fail.
async function makeTemplate(serverUrl: string): Promise<string> {
  const { migrationDirectories } = await readMigrations(join(prismaDirectory(), 'migrations'));
  const hash = createHash('sha256').update(JSON.stringify(migrationDirectories)).digest('hex').slice(0, 16);
  const name = `neolith_template_${hash}`;
  const templateUrl = withDatabase(serverUrl, name);
  await withMaintenance(serverUrl, async (client) => {
    await client.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK_KEY]);
    const whole = await client.query('SELECT FROM pg_database WHERE datname = $1 AND datistemplate', [name]);
    if (whole.rowCount === 1) return;
    await migrate(templateUrl);
    await client.query(
      `ALTER DATABASE ${pg.escapeIdentifier(name)} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false`,
    );
  });
  return templateUrl;
}

/** Runs `work` on a connection to the server's maintenance database. */
export async function withMaintenance<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: withDatabase(url, 'postgres') });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

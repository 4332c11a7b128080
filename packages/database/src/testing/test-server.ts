import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { withDatabase } from '../database-url.js';
import { THROWAWAY_SETTINGS } from '../embedded/server-settings.js';
import { startEmbeddedPostgres } from '../embedded/start-embedded-postgres.js';
import { migrate } from '../migrations/migrate.js';
import { prismaDirectory, readMigrations } from '../migrations/read-migrations.js';

/** Where tests find the server: set by the global set-up, inherited by the workers. */
export const TEST_SERVER_VARIABLE = 'NEOLITH_TEST_SERVER';

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
  const dataDirectory = await mkdtemp(join(tmpdir(), 'neolith-test-postgres-'));
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

// Named after the migrations' contents: on a server that stays, a changed migration gets a new template.
async function makeTemplate(serverUrl: string): Promise<string> {
  const { migrationDirectories } = await readMigrations(join(prismaDirectory(), 'migrations'));
  const hash = createHash('sha256').update(JSON.stringify(migrationDirectories)).digest('hex').slice(0, 16);
  const templateUrl = withDatabase(serverUrl, `neolith_template_${hash}`);
  await migrate(templateUrl);
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

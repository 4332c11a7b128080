import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { databaseName, withDatabase } from '../databaseUrl.js';
import { type Database, type OpenDatabaseOptions, openDatabase } from '../openDatabase.js';
import { ownTemplateUrl, withMaintenance } from './testServer.js';

/** A migrated, empty database of one test or test file. */
export interface TestDatabase {
  readonly database: Database;
  readonly url: string;
  /** Closes the database and removes it, whoever is still connected. */
  drop(): Promise<void>;
}

export interface CreateTestDatabaseOptions extends OpenDatabaseOptions {
  /** The template to clone. Default: the one of the global set-up. */
  templateUrl?: string;
}

/**
 * Clones the migrated template. Call it in `beforeAll` (or a test) and `drop` in `afterAll`; parallel workers get
 * a database each. Needs `@neolith/database/testing/global-setup` among vitest's `globalSetup`.
 */
export async function createTestDatabase(options: CreateTestDatabaseOptions = {}): Promise<TestDatabase> {
  const { templateUrl = ownTemplateUrl(), ...openOptions } = options;
  if (!templateUrl) {
    throw new Error(
      `No test server: name '@neolith/database/testing/global-setup' in globalSetup of the vitest configuration.`,
    );
  }
  const name = `neolith_test_${randomUUID().replaceAll('-', '')}`;
  const url = withDatabase(templateUrl, name);
  const identifier = pg.escapeIdentifier(name);
  const template = pg.escapeIdentifier(databaseName(new URL(templateUrl)));
  await withMaintenance(url, (client) => client.query(`CREATE DATABASE ${identifier} TEMPLATE ${template}`));

  const database = openDatabase(url, openOptions);
  return {
    database,
    url,
    async drop() {
      await database.close();
      await withMaintenance(url, (client) =>
        client.query(`DROP DATABASE IF EXISTS ${identifier} WITH (FORCE)`),
      );
    },
  };
}

import { join } from 'node:path';
import { describeUrl } from '../database-url.js';
import { DatabaseError, errorText } from '../errors.js';
import { connectCreating } from './prepare-database.js';
import { prismaDirectory, readMigrations } from './read-migrations.js';
import { withSchemaEngine } from './with-schema-engine.js';

export interface MigrateOptions {
  /** A folder of `<name>/migration.sql`. Default: the migrations of this package. */
  migrationsDirectory?: string;
}

export interface MigrateResult {
  /** The names of the migrations applied now, oldest first; empty when the database was up to date. */
  applied: string[];
}

// Two processes that start at once take turns on this key; which number it is has no meaning.
const MIGRATE_LOCK_KEY = 6_355_146_240_741;

/**
 * Brings a database up to date with Prisma's own engine, so that `_prisma_migrations` is what `prisma migrate
 * deploy` would have written. Creates the database when the server lacks it. Each migration applies whole or not
 * at all. Safe when several processes do it at once: the others wait, then find nothing left to do.
 *
 * @throws DatabaseError
 */
export async function migrate(url: string, options: MigrateOptions = {}): Promise<MigrateResult> {
  const migrationsList = await readMigrations(
    options.migrationsDirectory ?? join(prismaDirectory(), 'migrations'),
  );
  const lockHolder = await connectCreating(url);
  try {
    await lockHolder.query('SELECT pg_advisory_lock($1)', [MIGRATE_LOCK_KEY]);
    const { appliedMigrationNames } = await withSchemaEngine(url, undefined, (engine) =>
      engine.applyMigrations({ migrationsList, filters: { externalTables: [], externalEnums: [] } }),
    );
    return { applied: appliedMigrationNames };
  } catch (cause) {
    throw new DatabaseError('MIGRATION_FAILED', `Migrating ${describeUrl(url)} failed: ${errorText(cause)}`, {
      cause,
    });
  } finally {
    await lockHolder.end();
  }
}

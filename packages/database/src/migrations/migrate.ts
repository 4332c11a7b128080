import { join } from 'node:path';
import type { MigrationList } from '@prisma/schema-engine-wasm';
import type pg from 'pg';
import { isConnectionLost } from '../connectionLoss.js';
import { describeUrl } from '../databaseUrl.js';
import { DatabaseError, errorCode, errorText } from '../errors.js';
import type { ScriptError } from './engineAdapter.js';
import { connectCreating, unreachable } from './prepareDatabase.js';
import { prismaDirectory, readMigrations } from './readMigrations.js';
import { withSchemaEngine } from './withSchemaEngine.js';

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

const DEADLOCK = '40P01';
/** Each costs a second, PostgreSQL's `deadlock_timeout`. */
const DEADLOCKS_MAX = 30;

const NO_FILTERS = { externalTables: [], externalEnums: [] };

/**
 * Brings a database up to date with Prisma's own engine, so that `_prisma_migrations` is what `prisma migrate
 * deploy` would have written. Creates the database when the server lacks it. Each migration applies whole or not
 * at all, and one that failed is tried anew at the next call; where it meets the locks of calls under way head-on, at once. Safe when several processes do it at once: the
 * others wait, then find nothing left to do.
 *
 * @throws DatabaseError `DATABASE_URL_INVALID`, `DATABASE_UNREACHABLE`, `DATABASE_MISSING`, `POSTGRES_TOO_OLD`,
 *   `DATABASE_NOT_EMPTY`, `DATABASE_PERMISSION_DENIED`, `MIGRATIONS_NOT_FOUND`, `MIGRATION_FAILED`
 */
export async function migrate(url: string, options: MigrateOptions = {}): Promise<MigrateResult> {
  const migrationsList = await readMigrations(
    options.migrationsDirectory ?? join(prismaDirectory(), 'migrations'),
  );
  // A session of its own holds the lock: when this process dies, PostgreSQL ends the session and frees it.
  const lockHolder = await connectCreating(url);
  try {
    await lockHolder.query('SELECT pg_advisory_lock($1)', [MIGRATE_LOCK_KEY]);
    return { applied: await applyMigrations(url, migrationsList, lockHolder) };
  } catch (error) {
    throw !(error instanceof DatabaseError) && isConnectionLost(error) ? unreachable(url, error) : error;
  } finally {
    await lockHolder.end();
  }
}

async function applyMigrations(
  url: string,
  migrationsList: MigrationList,
  client: pg.Client,
): Promise<string[]> {
  let scriptError: ScriptError | undefined;
  return withSchemaEngine(
    url,
    async (engine) => {
      const diagnose = () =>
        engine.diagnoseMigrationHistory({
          migrationsList,
          optInToShadowDatabase: false,
          filters: NO_FILTERS,
        });
      const { failedMigrationNames, history } = await diagnose();
      // Marked as failed by a process that was killed, or by Prisma's own command: PostgreSQL rolled it back, and
      // the engine would apply nothing more until somebody says so.
      for (const migrationName of failedMigrationNames)
        await engine.markMigrationRolledBack({ migrationName });
      for (let met = 0; ; met += 1) {
        try {
          const applied = await engine.applyMigrations({ migrationsList, filters: NO_FILTERS });
          // The last time round only the rest of them was.
          return met === 0 || history === null || !('unappliedMigrationNames' in history)
            ? applied.appliedMigrationNames
            : history.unappliedMigrationNames;
        } catch (error) {
          const [name] = (await diagnose()).failedMigrationNames;
          if (name) await engine.markMigrationRolledBack({ migrationName: name });
          // It met the locks of calls under way head-on: rolled back whole, it is tried again at once.
          if (errorCode(scriptError?.cause) !== DEADLOCK || met === DEADLOCKS_MAX)
            throw await migrationError(url, client, name, scriptError, error);
          scriptError = undefined;
        }
      }
    },
    {
      onScriptError: (error) => {
        scriptError = error;
      },
    },
  );
}

async function migrationError(
  url: string,
  client: pg.Client,
  name: string | undefined,
  scriptError: ScriptError | undefined,
  engineError: unknown,
): Promise<DatabaseError> {
  const where = describeUrl(url);
  if (errorCode(engineError) === 'P3005') {
    return new DatabaseError(
      'DATABASE_NOT_EMPTY',
      `The database at ${where} holds tables that aren't ours. Name an empty or a new one in DATABASE_URL.`,
      { cause: engineError },
    );
  }
  const { rows } = await client.query<{ user: string; schema: string; allowed: boolean }>(
    `SELECT current_user AS user, coalesce(current_schema(), 'public') AS schema,
            coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS allowed`,
  );
  const right = rows[0];
  if (right && !right.allowed) {
    return new DatabaseError(
      'DATABASE_PERMISSION_DENIED',
      `The user "${right.user}" may not create tables in the schema "${right.schema}" of ${where}. As its owner run: ` +
        `GRANT CREATE ON SCHEMA "${right.schema}" TO "${right.user}", or make the user the owner of the database.`,
      { cause: engineError },
    );
  }
  if (!name) {
    return new DatabaseError('MIGRATION_FAILED', `Migrating ${where} failed: ${errorText(engineError)}`, {
      cause: engineError,
    });
  }
  const cause = scriptError?.cause ?? engineError;
  const line = scriptError?.line === undefined ? '' : ` at line ${scriptError.line}`;
  return new DatabaseError(
    'MIGRATION_FAILED',
    `The migration "${name}" failed on ${where}${line}: ${errorText(cause)}. It was rolled back whole and will be ` +
      'tried again at the next start, once the cause is removed. Where its changes are in the database already, run ' +
      `"prisma migrate resolve --applied ${name}".`,
    { cause },
  );
}

export { type ConnectDatabaseOptions, connectDatabase } from './connect-database.js';
export { startEmbeddedPostgres } from './embedded/load-embedded-postgres.js';
export type {
  EmbeddedPostgres,
  StartEmbeddedPostgresOptions,
} from './embedded/start-embedded-postgres.js';
export { DatabaseError, type DatabaseErrorCode } from './errors.js';
export * from './generated/client.js';
export { type MigrateOptions, type MigrateResult, migrate } from './migrations/migrate.js';
export { migrationDrift } from './migrations/migration-drift.js';
export { neolithHome } from './neolith-home.js';
export { type Database, type OpenDatabaseOptions, openDatabase } from './open-database.js';

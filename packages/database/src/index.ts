export { type ConnectDatabaseOptions, connectDatabase } from './connectDatabase.js';
export { anyCause, isConnectionLost } from './connectionLoss.js';
export { startEmbeddedPostgres } from './embedded/loadEmbeddedPostgres.js';
export type {
  EmbeddedPostgres,
  StartEmbeddedPostgresOptions,
} from './embedded/startEmbeddedPostgres.js';
export { DatabaseError, type DatabaseErrorCode } from './errors.js';
export * from './generated/client.js';
export { type MigrateOptions, type MigrateResult, migrate } from './migrations/migrate.js';
export { migrationDrift } from './migrations/migrationDrift.js';
export { neolithHome } from './neolithHome.js';
export { type Database, type Doors, type OpenDatabaseOptions, openDatabase } from './openDatabase.js';

/** What can go wrong between a process and its database, as stable codes. */
export type DatabaseErrorCode =
  | 'DATABASE_URL_INVALID'
  | 'DATABASE_UNREACHABLE'
  | 'DATABASE_MISSING'
  | 'DATABASE_NOT_EMPTY'
  | 'POSTGRES_TOO_OLD'
  | 'DATABASE_PERMISSION_DENIED'
  | 'MIGRATIONS_NOT_FOUND'
  | 'MIGRATION_FAILED'
  | 'EMBEDDED_UNSUPPORTED_PLATFORM'
  | 'EMBEDDED_BINARIES_UNUSABLE'
  | 'EMBEDDED_DIRECTORY_UNUSABLE'
  | 'EMBEDDED_OTHER_MAJOR'
  | 'EMBEDDED_FOREIGN_DIRECTORY'
  | 'EMBEDDED_DISK_FULL'
  | 'EMBEDDED_NO_PORT'
  | 'EMBEDDED_LOCKED'
  | 'EMBEDDED_START_FAILED'
  | 'EMBEDDED_STOP_FAILED';

/** The one error type of this package: a stable `code`, a message with the remedy, and the `cause`. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';

  constructor(
    readonly code: DatabaseErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** The code of a system error (`EACCES`) or of a PostgreSQL error (`3D000`), or undefined when there is none. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** What an unknown thrown value says. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

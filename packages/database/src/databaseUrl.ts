import { DatabaseError } from './errors.js';

/** Parses a PostgreSQL URL. @throws DatabaseError `DATABASE_URL_INVALID`, never quoting the password. */
export function parseDatabaseUrl(url: string): URL {
  const remedy = 'expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE';
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    // The parser's own error quotes its input, and the input may hold a password: it must not become the cause.
    throw new DatabaseError('DATABASE_URL_INVALID', `DATABASE_URL is not a URL: ${remedy}.`);
  }
  if (parsed.protocol !== 'postgres:' && parsed.protocol !== 'postgresql:') {
    throw new DatabaseError(
      'DATABASE_URL_INVALID',
      `DATABASE_URL starts with ${parsed.protocol}//: ${remedy}.`,
    );
  }
  if (databaseName(parsed) === '') {
    throw new DatabaseError('DATABASE_URL_INVALID', `DATABASE_URL names no database: ${remedy}.`);
  }
  return parsed;
}

/** The name of the database in a URL, decoded. */
export function databaseName(url: URL): string {
  return decodeURIComponent(url.pathname.replace(/^\//, ''));
}

/** The same server and parameters, another database. */
export function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${encodeURIComponent(name)}`;
  return changed.toString();
}

/** Host, port and database of a URL, for messages: never the user's password. */
export function describeUrl(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname || 'localhost'}:${port || '5432'}${decodeURIComponent(pathname)}`;
}

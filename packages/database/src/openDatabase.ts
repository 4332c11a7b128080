import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { parseDatabaseUrl } from './databaseUrl.js';
import { PrismaClient } from './generated/client.js';

/** As UTC sessions write it; the engine's own parser then takes a tenth of the driver's time. */
const UTC_INSTANT = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,3})?\+00$/;
const INSTANTS_FAST: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) => {
    const parse: (text: string) => unknown = pg.types.getTypeParser(oid, format);
    if (oid !== pg.types.builtins.TIMESTAMPTZ || format === 'binary') return parse;
    return (text: string) =>
      UTC_INSTANT.test(text) ? new Date(`${text.slice(0, 10)}T${text.slice(11, -3)}Z`) : parse(text);
  },
};

/** An opened database: one pool of connections with two doors. */
export interface Database {
  /** Prisma on `pool`: for reading and plain writes. */
  readonly prisma: PrismaClient;
  /** The same pool, for hot statements: give them a `name`, so that PostgreSQL plans them once a connection. */
  readonly pool: pg.Pool;
  readonly url: string;
  /** Ends both doors; waits for statements under way. Safe to call twice. */
  close(): Promise<void>;
}

export interface OpenDatabaseOptions {
  /** Connections at most. Default 10. */
  poolSize?: number;
  /** What `pg_stat_activity` shows. Default `neolith`. */
  applicationName?: string;
  /**
   * Milliseconds after which PostgreSQL cancels a statement. Default 14,000. One second later the client gives
   * the connection up, which is how a dead peer is noticed in the middle of a statement: raise it only for a
   * job that needs longer, on a pool of its own.
   */
  statementTimeoutMs?: number;
}

/**
 * Opens a database without connecting yet.
 *
 * Nothing waits for ever: 10 s for a connection (a free place in the pool included), 14 s for a statement, 15 s
 * until a half-open connection is given up, in use or idle.
 *
 * @throws DatabaseError `DATABASE_URL_INVALID`
 */
export function openDatabase(url: string, options: OpenDatabaseOptions = {}): Database {
  parseDatabaseUrl(url);
  const statementTimeoutMs = options.statementTimeoutMs ?? 14_000;

  const pool = new pg.Pool({
    connectionString: url,
    max: options.poolSize ?? 10,
    application_name: options.applicationName ?? 'neolith',
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    // A script that imports one verb must be able to end without closing a pool it never saw.
    allowExitOnIdle: true,
    // The first probe after 4 s of silence, then ten, a second apart: 14 s until an idle dead peer is noticed.
    keepAlive: true,
    keepAliveInitialDelayMillis: 4_000,
    statement_timeout: statementTimeoutMs,
    // Keep-alive probes are not sent while data waits for its acknowledgement, and the kernel retries that for
    // a quarter of an hour. Longer than the server's own limit, so that a slow statement gets the server's error.
    query_timeout: statementTimeoutMs + 1_000,
    // A process stopped between BEGIN and COMMIT holds row locks that every claim waits for.
    idle_in_transaction_session_timeout: 15_000,
    types: INSTANTS_FAST,
  });
  keepLostConnectionsFromCrashing(pool);

  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });

  let closing: Promise<void> | undefined;
  return {
    prisma,
    pool,
    url,
    close() {
      closing ??= prisma.$disconnect().then(() => pool.end());
      return closing;
    },
  };
}

/**
 * An `error` event without a listener ends a Node process, and a connection that PostgreSQL ends (restart,
 * `pg_terminate_backend`) emits one: on the pool when idle, on the client when checked out. The pool drops
 * such a connection by itself and a statement under way on it is rejected to its caller, so nothing is hidden.
 */
function keepLostConnectionsFromCrashing(pool: pg.Pool): void {
  const heard = () => undefined;
  pool.on('error', heard);
  pool.on('connect', (client) => client.on('error', heard));
}

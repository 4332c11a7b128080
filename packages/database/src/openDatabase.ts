import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { parseDatabaseUrl } from './databaseUrl.js';
import { PrismaClient } from './generated/client.js';
import { TransactionPool } from './transactionPool.js';

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

const VITAL_CONNECTIONS = 2;
const TRANSACTIONS_AT_ONCE = 4;

/** The two doors of one place: a pool, or a transaction that looks like one. */
export type Doors = Pick<Database, 'prisma' | 'pool'>;

/** An opened database: one pool of connections with two doors. */
export interface Database {
  /** Prisma on `pool`: for reading and plain writes. */
  readonly prisma: PrismaClient;
  /** The same pool, for hot statements: give them a `name`, so that PostgreSQL plans them once a connection. */
  readonly pool: pg.Pool;
  /**
   * A small pool of its own for calls that must come through whatever else is going on: renewals of leases. Two
   * connections, made when they are needed.
   */
  readonly vitalPool: pg.Pool;
  /** What `transaction` runs on, four connections: to be looked at, by who measures. */
  readonly transactionPool: pg.Pool;
  readonly url: string;
  /**
   * Runs work as one transaction through two doors of its own: all that is done through them, Prisma's part and
   * transactions of the work's own included, is there afterwards, or nothing of it. At most four at once, on
   * connections of their own, so that they can't keep other calls waiting; more wait for a place. The work must be over
   * when its promise is: what it left behind is refused.
   */
  transaction<Result>(work: (doors: Doors) => Promise<Result>): Promise<Result>;
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
 * Prisma's own limits (2 s for a connection, 5 s from first to last statement) are shorter than everything else here: a
 * pool that is busy for a moment would fail its transactions while it serves all others.
 */
const transactionOptions = { maxWait: 10_000, timeout: 15_000 };

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
  const poolOf = (max: number) => openPool(url, { ...options, statementTimeoutMs, poolSize: max });
  const pool = poolOf(options.poolSize ?? 10);
  const vitalPool = poolOf(VITAL_CONNECTIONS);
  const transactions = poolOf(TRANSACTIONS_AT_ONCE);
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool), transactionOptions });
  const idle: TransactionDoors[] = [];

  let closing: Promise<void> | undefined;
  return {
    prisma,
    pool,
    vitalPool,
    transactionPool: transactions,
    url,
    transaction: (work) => transact(transactions, idle, work),
    close() {
      closing ??= Promise.all(
        [prisma, ...idle.map((doors) => doors.prisma)].map((door) => door.$disconnect()),
      )
        .then(() => Promise.all([pool, vitalPool, transactions].map((each) => each.end())))
        .then(() => undefined);
      return closing;
    },
  };
}

type TransactionDoors = Doors & { readonly pool: TransactionPool };

async function transact<Result>(
  connections: pg.Pool,
  idle: TransactionDoors[],
  work: (doors: Doors) => Promise<Result>,
): Promise<Result> {
  const client = await connections.connect();
  // A Prisma client costs more than the call it would be made for.
  const doors = idle.pop() ?? makeDoors();
  let broken = true;
  try {
    await client.query('BEGIN');
    doors.pool.enter(client);
    const result = await work(doors);
    doors.pool.leave();
    await client.query('COMMIT');
    broken = false;
    return result;
  } finally {
    doors.pool.leave();
    idle.push(doors);
    // Whatever was begun on it ends with it.
    client.release(broken);
  }
}

function makeDoors(): TransactionDoors {
  const pool = new TransactionPool();
  return { pool, prisma: new PrismaClient({ adapter: new PrismaPg(pool), transactionOptions }) };
}

function openPool(
  url: string,
  options: OpenDatabaseOptions & { statementTimeoutMs: number; poolSize: number },
): pg.Pool {
  const { statementTimeoutMs } = options;
  const pool = new pg.Pool({
    connectionString: url,
    max: options.poolSize,
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
  return pool;
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

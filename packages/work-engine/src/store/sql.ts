import { NeolithError } from '@neolith/contracts';
import type { Pool, PoolClient, QueryResultRow } from 'pg';

/** A statement of the store. Its name makes PostgreSQL plan it once a connection; the name stands for this very text. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

export type Connection = Pool | PoolClient;

/** Locks that met head-on, and rows that moved while being locked: nothing was changed, the same call can be made again. */
const TRY_AGAIN = new Set(['40P01', '40001']);
const TRIES = 5;

const UNAVAILABLE = /^(08|57P0|53[0-3]|58)/;
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EAI_AGAIN',
]);

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Whether the database could not be asked at all, as opposed to having refused what it was asked. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isDatabaseUnavailable);
  const code = codeOf(error);
  if (UNAVAILABLE.test(code) || UNREACHABLE.has(code)) return true;
  return (
    error instanceof Error &&
    /Connection terminated|timeout exceeded when trying to connect|Query read timeout/.test(error.message)
  );
}

/** Keeps our own errors and tells an absent database apart from everything else. */
export function toEngineError(error: unknown): unknown {
  if (!isDatabaseUnavailable(error)) return error;
  return new NeolithError(
    'DATABASE_UNAVAILABLE',
    'The database does not answer; try again shortly, or check DATABASE_URL',
    { cause: error },
  );
}

/** Runs one statement: one round trip. */
export async function run<Row extends QueryResultRow>(
  connection: Connection,
  statement: Statement,
  values: readonly unknown[],
): Promise<Row[]> {
  const result = await connection.query<Row>({
    name: statement.name,
    text: statement.text,
    values: [...values],
  });
  return result.rows;
}

/** Runs one statement by itself, again where locks met head-on. */
export async function runAlone<Row extends QueryResultRow>(
  pool: Pool,
  statement: Statement,
  values: readonly unknown[],
): Promise<Row[]> {
  return tryAgain(() => run<Row>(pool, statement, values));
}

/** Runs several statements as one transaction, from the start again where locks met head-on. */
export async function transact<Result>(
  pool: Pool,
  work: (client: PoolClient) => Promise<Result>,
): Promise<Result> {
  return tryAgain(async () => {
    const client = await pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('BEGIN');
      const result = await work(client);
      await client.query('COMMIT');
      return result;
    } catch (error) {
      // A connection that can't even roll back must not serve the next caller.
      await client.query('ROLLBACK').catch((rollbackError: Error) => {
        broken = rollbackError;
      });
      throw error;
    } finally {
      client.release(broken);
    }
  });
}

async function tryAgain<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= TRIES || !TRY_AGAIN.has(codeOf(error))) throw toEngineError(error);
    }
  }
}

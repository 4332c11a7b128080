import { NeolithError } from '@neolith/contracts';
import { anyCause, isConnectionLost } from '@neolith/database';
import type { Pool, PoolClient, QueryResultRow } from 'pg';

/** A statement of the store. Its name makes PostgreSQL plan it once a connection; the name stands for this very text. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

export type Connection = Pool | PoolClient;

/** Locks that met head-on, and rows that moved while being locked: nothing was changed, the same call can be made again. */
const TRY_AGAIN = new Set(['40P01', '40001']);
const TRIES = 10;
/** A pool may hold this many connections whose plans are from before a migration; each says so once. */
const STALE_TRIES = 100;
/** The longest wait before the k-th repetition is this times 2^k. */
const TRY_AGAIN_MS = 2;

/** Text that the database can't hold: NUL, or half of a surrogate pair. */
const UNSTORABLE = new Set(['22021', '22P05']);

/**
 * A migration has given a table another column, and this connection's plan of the statement is from before. It says so
 * instead of doing anything; the connection is given up, and another one plans anew.
 */
function isStalePlan(error: unknown): boolean {
  return codeOf(error) === '0A000' && error instanceof Error && error.message.startsWith('cached plan');
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Whether the database could not be asked at all, as opposed to having refused what it was asked. */
export function isDatabaseUnavailable(error: unknown): boolean {
  return !(error instanceof NeolithError) && isConnectionLost(error);
}

/** Whether the database cancelled a statement at its time limit: it waited for a lock, as a rule. */
export function tookTooLong(error: unknown): boolean {
  return codeOf(error) === '57014';
}

/** Whether the connection gave no answer at all for as long as anything may take. */
function isSilent(error: unknown): boolean {
  return anyCause(error, (cause) => 'message' in cause && cause.message === 'Query read timeout');
}

/** Keeps our own errors, and tells an absent database and unstorable text apart from everything else. */
export function toEngineError(error: unknown): unknown {
  if (UNSTORABLE.has(codeOf(error))) {
    return new NeolithError(
      'INVALID_INPUT',
      'A text holds NUL characters or lone surrogates, which can not be stored; remove them',
      { cause: error },
    );
  }
  if (!isDatabaseUnavailable(error)) return error;
  return new NeolithError(
    'DATABASE_UNAVAILABLE',
    'The database does not answer; try again shortly, or check DATABASE_URL',
    { cause: error },
  );
}

/** Whether an error says something of the moment, and nothing of what was to be done: a lock that others had, or too little time. */
export function isPassing(error: unknown): boolean {
  const code = codeOf(error);
  return code === '55P03' || code === '57014' || code.startsWith('40');
}

/** Runs one statement: one round trip. Errors: DATABASE_UNAVAILABLE, INVALID_INPUT; else what the driver says. */
export async function run<Row extends QueryResultRow>(
  connection: Connection,
  statement: Statement,
  values: readonly unknown[],
): Promise<Row[]> {
  for (let stale = 0; ; stale += 1) {
    try {
      const result = await connection.query<Row>({
        name: statement.name,
        text: statement.text,
        values: [...values],
      });
      return result.rows;
    } catch (error) {
      // A pool has given the connection up with the error, and has others; within a transaction the caller begins anew.
      if (isStalePlan(error) && 'totalCount' in connection && stale < STALE_TRIES) continue;
      throw isStalePlan(error) ? error : toEngineError(error);
    }
  }
}

/** Runs one statement by itself, again where locks met head-on. */
export async function runAlone<Row extends QueryResultRow>(
  pool: Pool,
  statement: Statement,
  values: readonly unknown[],
): Promise<Row[]> {
  return tryAgain(() => run<Row>(pool, statement, values));
}

/** Reads several things as they stood at one moment. */
export async function readConsistently<Result>(
  pool: Pool,
  work: (client: PoolClient) => Promise<Result>,
): Promise<Result> {
  return transact(pool, work, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
}

/** Runs several statements as one transaction, from the start again where locks met head-on. */
export async function transact<Result>(
  pool: Pool,
  work: (client: PoolClient) => Promise<Result>,
  begin = 'BEGIN',
): Promise<Result> {
  return tryAgain(async () => {
    const client = await pool.connect();
    let broken: Error | undefined;
    try {
      await client.query(begin);
      const result = await work(client);
      await client.query('COMMIT');
      return result;
    } catch (error) {
      if (isStalePlan(error) || isSilent(error)) broken = error as Error;
      // A connection that can't even roll back must not serve the next caller. One that has gone silent isn't asked to: it
      // would not answer that either, and the caller would wait for it twice as long. Its transaction ends with it.
      if (!isSilent(error)) {
        await client.query('ROLLBACK').catch((rollbackError: Error) => {
          broken = rollbackError;
        });
      }
      throw error;
    } finally {
      client.release(broken);
    }
  });
}

/** Does work that is all or nothing, from the start again where locks met head-on. */
export async function tryAgain<Result>(work: () => Promise<Result>): Promise<Result> {
  let stale = 0;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (isStalePlan(error) && stale < STALE_TRIES) {
        stale += 1;
        attempt -= 1;
        continue;
      }
      if (attempt >= TRIES || !TRY_AGAIN.has(codeOf(error))) throw toEngineError(error);
      // Who met head-on at the same moment should not meet again at the same moment.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * TRY_AGAIN_MS * 2 ** attempt));
    }
  }
}

import { PrismaPg } from '@prisma/adapter-pg';
import {
  DriverAdapterError,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils';
import type pg from 'pg';

/**
 * Prisma's adapter, except that a script goes to PostgreSQL whole. The original splits it at every `;`, which
 * cuts function bodies in two and runs the pieces one by one; sent whole it is one implicit transaction, so a
 * script that fails leaves nothing behind.
 */
export function wholeScriptAdapterFactory(pool: pg.Pool): SqlMigrationAwareDriverAdapterFactory {
  const factory = new PrismaPg(pool);
  return {
    provider: factory.provider,
    adapterName: factory.adapterName,
    connect: async () => sendingScriptsWhole(await factory.connect(), pool),
    connectToShadowDb: () => factory.connectToShadowDb(),
  };
}

function sendingScriptsWhole(adapter: SqlDriverAdapter, pool: pg.Pool): SqlDriverAdapter {
  adapter.executeScript = async (script) => {
    try {
      await pool.query(script);
    } catch (error) {
      throw asDriverError(error, script);
    }
  };
  return adapter;
}

function asDriverError(error: unknown, script: string): unknown {
  if (!isServerError(error)) return error;
  const line = error.position ? script.slice(0, Number(error.position) - 1).split('\n').length : undefined;
  return new DriverAdapterError({
    kind: 'postgres',
    code: error.code ?? 'N/A',
    severity: error.severity ?? 'ERROR',
    message: line ? `${error.message} (at line ${line} of the script)` : error.message,
    detail: error.detail,
    column: error.column,
    hint: error.hint,
  });
}

function isServerError(error: unknown): error is pg.DatabaseError {
  return error instanceof Error && 'severity' in error;
}

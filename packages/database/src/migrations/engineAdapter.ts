import { PrismaPg } from '@prisma/adapter-pg';
import {
  ColumnTypeEnum,
  DriverAdapterError,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils';
import type pg from 'pg';

/** What PostgreSQL said about a script, which the engine's own message may garble. */
export interface ScriptError {
  cause: unknown;
  /** Where in the script, from 1; undefined where PostgreSQL didn't say. */
  line: number | undefined;
}

/**
 * Prisma's adapter for the migration engine alone: scripts go to PostgreSQL whole, and the catalogue's columns of
 * type "char" can be read. Takes `pool` over: it is not for other use.
 */
export function engineAdapterFactory(
  pool: pg.Pool,
  onScriptError: (error: ScriptError) => void,
): SqlMigrationAwareDriverAdapterFactory {
  const sendWhole = pool.query.bind(pool) as (script: string) => Promise<unknown>;
  const charColumns = markCharColumns(pool);
  const factory = new PrismaPg(pool);

  const adapt = (adapter: SqlDriverAdapter): SqlDriverAdapter => {
    const queryRaw = adapter.queryRaw.bind(adapter);
    adapter.queryRaw = async (query) => {
      const result = await queryRaw(query);
      for (const index of charColumns.get(result.rows) ?? []) {
        result.columnTypes[index] = ColumnTypeEnum.Character;
      }
      return result;
    };
    // The original splits a script at every `;`, which cuts function bodies in two and runs the pieces one by
    // one. Sent whole it is one implicit transaction: a script that fails leaves nothing behind.
    adapter.executeScript = async (script) => {
      try {
        await sendWhole(script);
      } catch (error) {
        onScriptError({ cause: error, line: lineOf(error, script) });
        throw asDriverError(error);
      }
    };
    return adapter;
  };

  return {
    provider: factory.provider,
    adapterName: factory.adapterName,
    connect: async () => adapt(await factory.connect()),
    connectToShadowDb: () => factory.connectToShadowDb(),
  };
}

const CHAR_OID = 18;
const BPCHAR_OID = 1042;

/**
 * Makes `pool` pass off "char" columns as char(n), and returns which columns of a result they were, by its rows.
 * The adapter refuses "char", and the engine takes what it asks of the catalogue in that type (the kinds of
 * constraints and of referential actions) as a character only, never as a text.
 */
function markCharColumns(pool: pg.Pool): WeakMap<object, number[]> {
  const marked = new WeakMap<object, number[]>();
  const query = pool.query.bind(pool) as (config: pg.QueryArrayConfig) => Promise<pg.QueryArrayResult>;
  const marking = async (config: pg.QueryArrayConfig) => {
    const result = await query(config);
    const indexes = result.fields.flatMap((field, index) => (field.dataTypeID === CHAR_OID ? [index] : []));
    for (const field of result.fields) {
      if (field.dataTypeID === CHAR_OID) field.dataTypeID = BPCHAR_OID;
    }
    if (indexes.length > 0) marked.set(result.rows, indexes);
    return result;
  };
  Object.assign(pool, { query: marking });
  return marked;
}

function asDriverError(error: unknown): unknown {
  if (!isServerError(error)) return error;
  return new DriverAdapterError({
    kind: 'postgres',
    code: error.code ?? 'N/A',
    severity: error.severity ?? 'ERROR',
    message: error.message,
    detail: error.detail,
    column: error.column,
    hint: error.hint,
  });
}

function lineOf(error: unknown, script: string): number | undefined {
  if (!isServerError(error) || !error.position) return undefined;
  return script.slice(0, Number(error.position) - 1).split('\n').length;
}

function isServerError(error: unknown): error is pg.DatabaseError {
  return error instanceof Error && 'severity' in error;
}

import type { UsageSum } from '@neolith/contracts';
import { type Connection, run, type Statement } from './sql.js';

const SUMS = `
  count(*)::int AS attempts, coalesce(sum(input_tokens), 0)::float8 AS "inputTokens", coalesce(sum(output_tokens), 0)::float8 AS "outputTokens",
  coalesce(sum(cache_read_tokens), 0)::float8 AS "cacheReadTokens", coalesce(sum(cache_write_tokens), 0)::float8 AS "cacheWriteTokens",
  -- Cents of cents, not what adding up fractions leaves behind.
  round(sum(cost_usd)::numeric, 6)::float8 AS "costUsd", coalesce(sum(turns), 0)::float8 AS turns`;

const OF_RUN = {
  name: 'usage_of_run',
  text: `SELECT ${SUMS} FROM attempt_usages WHERE run_id = $1 AND run_id IS NOT NULL`,
};

/** What the attempts of a run that have ended used up together; null where none told it. */
export async function sumUsageOfRun(connection: Connection, runId: string): Promise<UsageSum | null> {
  return sum(connection, OF_RUN, [runId]);
}

const OF_ORCHESTRATOR = {
  name: 'usage_of_orchestrator',
  text: `SELECT ${SUMS} FROM attempt_usages WHERE orchestrator_id = $1 AND ended_at >= $2 AND ended_at < $3`,
};

/** The same of an orchestrator's attempts that ended in [start, end). */
export async function sumUsageOfOrchestrator(
  connection: Connection,
  input: { orchestratorId: string; start: Date; end: Date },
): Promise<UsageSum | null> {
  return sum(connection, OF_ORCHESTRATOR, [input.orchestratorId, input.start, input.end]);
}

async function sum(
  connection: Connection,
  statement: Statement,
  values: readonly unknown[],
): Promise<UsageSum | null> {
  const [row] = await run<UsageSum>(connection, statement, values);
  return row === undefined || row.attempts === 0 ? null : row;
}

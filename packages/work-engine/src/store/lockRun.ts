import type { PrerequisitePolicy } from '@neolith/contracts';
import type { PoolClient } from 'pg';
import { notFound } from '../ids.js';
import type { RunRow } from './runRows.js';
import { run } from './sql.js';

const LOCK = {
  name: 'lock_run',
  text: 'SELECT * FROM runs WHERE id = $1 AND ($2::uuid IS NULL OR workspace_id = $2) FOR NO KEY UPDATE',
};

/** Locks a run for the rest of the transaction; before anything of its tasks. Errors: RUN_NOT_FOUND. */
export async function lockRun(
  client: PoolClient,
  runId: string,
  workspaceId: string | null,
  givenId: string,
): Promise<RunRow> {
  const [row] = await run<RunRow>(client, LOCK, [runId, workspaceId]);
  if (row === undefined) throw notFound('run', givenId);
  return row;
}

const LOCK_OF = {
  name: 'lock_run_of',
  text: 'SELECT * FROM runs WHERE id = (SELECT run_id FROM tasks WHERE id = $1) FOR NO KEY UPDATE',
};

/** Locks the run that a task belongs to; null: it belongs to none. */
export async function lockRunOf(client: PoolClient, taskId: string): Promise<RunRow | null> {
  return (await run<RunRow>(client, LOCK_OF, [taskId]))[0] ?? null;
}

const REVIEW = { name: 'review_runs', text: 'SELECT review_runs($1, $2, $3) AS changed' };

/**
 * Lets what the counts of locked runs make due happen: their end, the next wave, the quarantine. For every transaction
 * that moved their tasks. Returns the runs that moved.
 */
export async function reviewRuns(
  client: PoolClient,
  input: { runIds: readonly string[]; actor: string; now: Date },
): Promise<string[]> {
  if (input.runIds.length === 0) return [];
  const [row] = await run<{ changed: string[] }>(client, REVIEW, [input.runIds, input.actor, input.now]);
  return (row as { changed: string[] }).changed;
}

const FAIL_DEPENDENTS = {
  name: 'fail_dependents',
  text: 'SELECT fail_dependents($1, $2::prerequisite_policy, $3, $4, $5) AS runs',
};

/** What follows for the dependents of tasks that have just failed or been cancelled. Returns the runs concerned. */
export async function failDependents(
  client: PoolClient,
  input: {
    endedIds: readonly string[];
    /** Undefined: the policy of each dependent's run. */
    policy: PrerequisitePolicy | undefined;
    /** Of the direct dependents only these; default: all. */
    only?: readonly string[];
    actor: string;
    now: Date;
  },
): Promise<string[]> {
  const [row] = await run<{ runs: string[] }>(client, FAIL_DEPENDENTS, [
    input.endedIds,
    input.policy ?? null,
    input.actor,
    input.now,
    input.only ?? null,
  ]);
  return (row as { runs: string[] }).runs;
}

import type { NothingReason, TaskPriority } from '@neolith/contracts';
import type { Pool } from 'pg';
import { type ReadyCriteria, readyCriteriaValues } from './readyCriteria.js';
import type { TaskRow } from './rows.js';
import { runAlone } from './sql.js';

export interface ClaimRow extends Omit<TaskRow, 'id' | 'priority'> {
  id: string | null;
  priority: TaskPriority;
  reason: NothingReason | 'ORCHESTRATOR_NOT_FOUND' | 'DAEMON_NOT_FOUND' | null;
  replay: boolean;
  attempt_id: string;
  weight: number | null;
  boost: number | null;
}

/** What calls must have in common to be done together. */
export interface ClaimGroup {
  workspaceId: string | null;
  orchestratorId: string;
  leaseSeconds: number | null;
  criteria: ReadyCriteria;
  now: Date | null;
}

export interface ClaimCall {
  daemonId: string | null;
  agent: string | null;
  actor: string;
  requestId: string | null;
  /** Fresh ids, as many as tasks are wanted at most. */
  attemptIds: readonly string[];
}

const STATEMENT = {
  name: 'claim_tasks',
  text: `
    SELECT * FROM claim_tasks($1, $2, $3, $4::uuid[], $5::text[], $6::text[], $7::int[], $8::text[], $9::uuid[], $10, $11, $12::task_priority[], $13, $14, $15)`,
};

/** Selects and claims for several calls on one orchestrator, in one round trip; each call's rows in its place. */
export async function claimReady(
  pool: Pool,
  group: ClaimGroup,
  calls: readonly ClaimCall[],
): Promise<ClaimRow[][]> {
  const rows = await runAlone<ClaimRow & { call: number }>(pool, STATEMENT, [
    group.workspaceId,
    group.orchestratorId,
    group.leaseSeconds,
    calls.map((call) => call.daemonId),
    calls.map((call) => call.agent),
    calls.map((call) => call.actor),
    calls.map((call) => call.attemptIds.length),
    calls.map((call) => call.requestId),
    calls.flatMap((call) => call.attemptIds),
    ...readyCriteriaValues(group.criteria),
    group.now,
  ]);
  const answers: ClaimRow[][] = calls.map(() => []);
  for (const row of rows) answers[row.call - 1]?.push(row);
  return answers;
}

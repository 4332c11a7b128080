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
  attempt_number: number;
  attempt_claimed_at: Date;
  attempt_expires_at: Date | null;
  weight: number | null;
  boost: number | null;
}

const STATEMENT = {
  name: 'claim_tasks',
  text: `
    SELECT c.reason, c.replay, c.attempt_id, c.number AS attempt_number, c.claimed_at AS attempt_claimed_at,
           c.expires_at AS attempt_expires_at, c.weight, c.boost, (c.task).*
    FROM claim_tasks($1, $2, $3, $4, $5, $6, ARRAY[$7::int], ARRAY[$8::text], $9::uuid[], $10, $11, $12::task_priority[], $13, $14) c`,
};

/** Selects and claims up to `attemptIds.length` tasks of one orchestrator, in one round trip. */
export async function claimReady(
  pool: Pool,
  input: {
    workspaceId: string | null;
    orchestratorId: string;
    daemonId: string | null;
    agent: string | null;
    actor: string;
    leaseSeconds: number | null;
    requestId: string | null;
    attemptIds: readonly string[];
    criteria: ReadyCriteria;
    now: Date | null;
  },
): Promise<ClaimRow[]> {
  return runAlone<ClaimRow>(pool, STATEMENT, [
    input.workspaceId,
    input.orchestratorId,
    input.daemonId,
    input.agent,
    input.actor,
    input.leaseSeconds,
    input.attemptIds.length,
    input.requestId,
    input.attemptIds,
    ...readyCriteriaValues(input.criteria),
    input.now,
  ]);
}

import {
  type Completion,
  completionSchema,
  formatId,
  invalidInput,
  NeolithError,
  parseId,
  type Settlement,
  type TaskStatus,
} from '@neolith/contracts';
import { storableJson } from '../domain/storable.js';
import type { EngineContext } from '../engineContext.js';
import { notFound, timeOfUuid, uuidOf } from '../ids.js';
import { readSettlement } from '../store/readSettlement.js';
import type { AttemptEnding, SettlementRow } from '../store/settleAttempts.js';
import { toEngineError } from '../store/sql.js';
import { waitsFor } from '../store/waitsFor.js';
import { noteAttemptEnd } from './breakers.js';

/** Failures of a provider, of the infrastructure, and lost leases each have this many before the task is parked. */
export const OTHER_BUDGET = 3;

/**
 * Ends the attempt at a task: `completed` (DONE, dependents become claimable in the same transaction), `failed`
 * (tried again after a backoff, or FAILED when its budget is spent) or `blocked` (waits for unblockTask).
 *
 * `attemptId` may be left out only for an attempt without expiry. The same call repeated gets the same answer with
 * `replayed: true`. `metrics.duration` is in milliseconds.
 * Errors: TASK_NOT_FOUND, LEASE_LOST, ATTEMPT_REQUIRED, PREREQUISITES_UNMET, INVALID_TRANSITION, INVALID_INPUT; nothing is changed then.
 */
export async function completeTask(
  engine: EngineContext,
  taskId: string,
  completion: Completion,
): Promise<Settlement> {
  const parsed = parseCompletion(completion);
  return settle(engine, taskId, {
    taskId: uuidOf('task', taskId),
    attemptId: attemptUuid(parsed.attemptId),
    result: parsed.status,
    output: parsed.output,
    artifacts: parsed.artifacts,
    error: parsed.error,
    question: parsed.question,
    metrics: parsed.metrics,
    failureClass: parsed.failureClass,
    timedOut: parsed.timedOut,
    onPrerequisiteFailure: parsed.onPrerequisiteFailure,
  });
}

/** The rules of the API; what an agent printed is made storable rather than refused, for its work is done. */
function parseCompletion(completion: Completion): Completion {
  const result = completionSchema.safeParse(storableJson(completion, 'The completion'));
  if (result.success) return result.data;
  throw invalidInput('The completion', result.error);
}

/** An id that can't be an attempt's owns nothing: it is fenced off like any stale one. */
function attemptUuid(attemptId: string | undefined): string | null {
  if (attemptId === undefined) return null;
  try {
    return uuidOf('attempt', attemptId);
  } catch (cause) {
    throw new NeolithError(
      'LEASE_LOST',
      `Attempt ${attemptId.slice(0, 100)} does not own the task; end its work`,
      { cause },
    );
  }
}

/** Ends one attempt and says what came of it, or throws why not. */
export async function settle(
  engine: EngineContext,
  taskId: string,
  ending: AttemptEnding,
): Promise<Settlement> {
  const rows = await engine.lanes.settle(
    { workspaceId: engine.workspaceId, actor: engine.actor, otherBudget: OTHER_BUDGET, now: engine.now() },
    ending.result === 'failed' ? { ...ending, draw: engine.random() } : ending,
  );
  const settlement = await answerSettlement(engine, taskId, ending, rows);
  if (concernsBreaker(ending))
    await noteAttemptEnd(engine, parseId('attempt', settlement.attemptId) as string);
  return settlement;
}

/** Nearly all endings don't, and ask nothing then. */
function concernsBreaker({ result, failureClass, metrics }: AttemptEnding): boolean {
  if (result === 'failed' && (failureClass === 'agent' || failureClass === 'provider')) return true;
  // As it is: to parse the metrics of every ending would cost more than all the rest of this.
  return typeof metrics === 'object' && metrics !== null && 'probe' in metrics && metrics.probe === true;
}

/** What came of an ending, or throws why nothing did. */
export async function answerSettlement(
  engine: EngineContext,
  taskId: string,
  ending: AttemptEnding,
  rows: readonly SettlementRow[],
): Promise<Settlement> {
  const row = rows.find((candidate) => candidate.code !== 'FREED') as SettlementRow;
  if (row.code !== null && row.code !== 'REPLAY') throw await refusal(engine, taskId, ending, row);
  if (row.code === null) {
    engine.events.poke();
    observeEnding(engine, ending, row);
  }
  const then =
    row.code === 'REPLAY' && row.attempt_status !== 'RUNNING'
      ? await readSettlement(engine.pool, row.task_id, row.attempt_id as string).catch((error: unknown) => {
          throw toEngineError(error);
        })
      : null;
  const freed = then?.freed ?? rows.find((candidate) => candidate.code === 'FREED')?.freed ?? [];
  return {
    taskId: formatId('task', row.task_id),
    attemptId: formatId('attempt', row.attempt_id as string),
    attemptStatus: row.attempt_status as Settlement['attemptStatus'],
    status: then?.status ?? (row.status as TaskStatus),
    replayed: row.code === 'REPLAY',
    settledAt: row.settled_at as Date,
    availableAt: then === null ? row.available_at : then.availableAt,
    unblocked: freed.map((id) => formatId('task', id)),
  };
}

/** Counts what one ending brought about; an attempt whose code is complete has not ended yet. */
export function observeEnding(
  engine: Pick<EngineContext, 'observe'>,
  ending: Pick<AttemptEnding, 'result' | 'failureClass'>,
  {
    status,
    attempt_status,
    attempt_id,
    settled_at,
  }: Pick<SettlementRow, 'status' | 'attempt_status' | 'attempt_id' | 'settled_at'>,
): void {
  if (ending.result === 'merged' || ending.result === 'merge_failed') {
    engine.observe({ kind: 'merge_ended', outcome: ending.result === 'merged' ? 'merged' : 'failed' });
  }
  if (attempt_status === null || attempt_status === 'RUNNING') return;
  const failed =
    (attempt_status === 'FAILED' || attempt_status === 'TIMED_OUT') && ending.result !== 'merge_failed';
  engine.observe({
    kind: 'attempt_ended',
    status: attempt_status,
    failureClass: failed ? (ending.failureClass ?? 'task') : null,
    // Its id was made with the claim and holds the time: nothing need be read for it.
    seconds:
      attempt_id === null || settled_at === null
        ? 0
        : Math.max(0, (settled_at.getTime() - timeOfUuid(attempt_id)) / 1_000),
  });
  if (status === 'FAILED') engine.observe({ kind: 'task_parked' });
}

async function refusal(
  engine: EngineContext,
  taskId: string,
  ending: AttemptEnding,
  row: SettlementRow,
): Promise<NeolithError> {
  const details = { taskId, status: row.status };
  switch (row.code) {
    case 'TASK_NOT_FOUND':
      return notFound('task', taskId);
    case 'ATTEMPT_REQUIRED':
      return new NeolithError(
        'ATTEMPT_REQUIRED',
        `Task ${taskId} is held under a lease that can run out; name its attemptId`,
        { details },
      );
    case 'CANCEL_NOT_REQUESTED':
      return new NeolithError(
        'CANCEL_NOT_REQUESTED',
        `Nobody asked to cancel task ${taskId}; release the attempt instead`,
        { details },
      );
    case 'NOT_MERGING':
      return new NeolithError(
        'NOT_MERGING',
        `Task ${taskId} is ${row.status}, not MERGING; complete its code first`,
        { details },
      );
    case 'MERGE_NOT_GRANTED':
      return new NeolithError(
        'MERGE_NOT_GRANTED',
        `Task ${taskId} has not been granted the merge slot of its run; ask for it and wait`,
        { details },
      );
    case 'LEASE_LOST':
      return new NeolithError(
        'LEASE_LOST',
        `Attempt ${formatId('attempt', ending.attemptId ?? '')} no longer owns task ${taskId}, which is ${row.status}; end its work`,
        { details },
      );
    default: {
      const waiting = row.status === 'BLOCKED' ? await waitsFor(engine.pool, ending.taskId) : [];
      if (waiting.length > 0) {
        return new NeolithError(
          'PREREQUISITES_UNMET',
          `Task ${taskId} waits for ${waiting.length} unmet prerequisite(s): ${waiting
            .slice(0, 5)
            .map((task) => `${formatId('task', task.id)} (${task.status})`)
            .join(', ')}`,
          { details: { ...details, waitsFor: waiting.map((task) => formatId('task', task.id)) } },
        );
      }
      return new NeolithError(
        'INVALID_TRANSITION',
        `Task ${taskId} is ${row.status}, not IN_PROGRESS; claim or execute it first`,
        { details },
      );
    }
  }
}

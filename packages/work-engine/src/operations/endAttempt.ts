import { formatId, type ReleaseAttempt, releaseAttemptSchema, type Settlement } from '@neolith/contracts';
import type { EngineContext } from '../engineContext.js';
import { notFound, uuidOf } from '../ids.js';
import { findAttempt } from '../store/findAttempt.js';
import { readNow } from '../store/lockTask.js';
import { GAVE_WAY, releaseAttemptUntil } from '../store/settleAttempts.js';
import { declareAskedFor, hasGivenWay } from '../store/writeResources.js';
import { answerSettlement, OTHER_BUDGET, settle } from './completeTask.js';
import { parseWritten } from './parseWritten.js';

/**
 * A daemon confirms that the processes of a cancelled attempt have ended: the task is CANCELLED, slot and locks free.
 * Errors: ATTEMPT_NOT_FOUND, LEASE_LOST, CANCEL_NOT_REQUESTED.
 */
export async function confirmCancelled(engine: EngineContext, attemptId: string): Promise<Settlement> {
  const { uuid, taskUuid } = await findOwned(engine, attemptId);
  return settle(engine, formatId('task', taskUuid), {
    taskId: taskUuid,
    attemptId: uuid,
    result: 'cancelled',
  });
}

/**
 * Gives a task back unfinished, at nobody's expense: no budget is touched. It is claimable at once, or from `availableAt`
 * on, as where no agent may be used before. Errors: ATTEMPT_NOT_FOUND, LEASE_LOST, INVALID_INPUT.
 */
export async function releaseAttempt(
  engine: EngineContext,
  attemptId: string,
  options: ReleaseAttempt = {},
): Promise<Settlement> {
  const { availableAt, reason, heldBy } = parseWritten(releaseAttemptSchema, options, 'The release');
  const { uuid, taskUuid } = await findOwned(engine, attemptId);
  const taskId = formatId('task', taskUuid);
  const gaveWay = await hasGivenWay(engine.pool, uuid);
  // What it asked for goes with its lease: before that its task declares it.
  if (gaveWay) await declareAskedFor(engine.pool, uuid, await readNow(engine.pool, engine.now()));
  const error = reason ?? (gaveWay ? GAVE_WAY : undefined);
  const ending = { taskId: taskUuid, attemptId: uuid, result: 'released', error } as const;
  if (availableAt === undefined) return settle(engine, taskId, ending);
  const rows = await releaseAttemptUntil(
    engine.pool,
    { workspaceId: engine.workspaceId, actor: engine.actor, otherBudget: OTHER_BUDGET, now: engine.now() },
    { ...ending, until: availableAt, heldBy: heldBy ?? [] },
  );
  return answerSettlement(engine, taskId, ending, rows);
}

async function findOwned(
  engine: EngineContext,
  attemptId: string,
): Promise<{ uuid: string; taskUuid: string }> {
  const uuid = uuidOf('attempt', attemptId);
  const attempt = await findAttempt(engine.pool, uuid, engine.workspaceId);
  if (attempt === null) throw notFound('attempt', attemptId);
  return { uuid, taskUuid: attempt.task_id };
}

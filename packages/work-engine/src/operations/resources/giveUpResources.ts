import { formatId, type GiveUpResult } from '@neolith/contracts';
import { loadUses } from '../../domain/resources/storeUses.js';
import type { EngineContext } from '../../engineContext.js';
import { notFound, uuidOf } from '../../ids.js';
import { findAttempt } from '../../store/findAttempt.js';
import { readNow } from '../../store/lockTask.js';
import { toEngineError, transact } from '../../store/sql.js';
import {
  hasGivenWay,
  leaveLine,
  lockLease,
  lockResources,
  tellResources,
  usesOf,
  workspaceOf,
} from '../../store/writeResources.js';
import { explainEnd } from './explainEnd.js';
import { endRefused, reviewResources } from './reviewResources.js';

/**
 * An attempt waits no more for what it asked for: its place in the line is gone, those behind it move up. What it holds it
 * keeps until it ends. Safe to repeat. Errors: ATTEMPT_NOT_FOUND, LEASE_LOST, RESOURCE_DEADLOCK.
 */
export async function giveUpResources(engine: EngineContext, attemptId: string): Promise<GiveUpResult> {
  const uuid = uuidOf('attempt', attemptId);
  const attempt = await findAttempt(engine.pool, uuid, engine.workspaceId).catch((error: unknown) => {
    throw toEngineError(error);
  });
  if (attempt === null) throw notFound('attempt', attemptId);
  const answer = await transact(engine.pool, async (client) => {
    const workspaceId = await workspaceOf(client, uuid);
    if (workspaceId === null) return null;
    await lockResources(client, workspaceId);
    const taskId = await lockLease(client, uuid);
    if (taskId === null) return null;
    if (await hasGivenWay(client, uuid)) return null;
    const now = await readNow(client, engine.now());
    const gaveUp = await leaveLine(client, uuid);
    const holds = await usesOf(client, uuid);
    if (gaveUp === null) return { gaveUp: [], holds, review: null, now };
    await tellResources(client, {
      taskId,
      attemptId: uuid,
      type: 'resources.given_up',
      actor: engine.actor,
      now,
      data: { resources: loadUses(gaveUp).map((use) => ({ ...use })) },
    });
    const review = await reviewResources(client, { workspaceId, actor: engine.actor, now });
    return { gaveUp, holds, review, now };
  });
  if (answer === null) throw await explainEnd(engine, { uuid, attemptId, taskUuid: attempt.task_id });
  if (answer.review !== null) {
    await endRefused(engine, answer.review.refused, answer.now);
    engine.events.poke();
  }
  return {
    attemptId: formatId('attempt', uuid),
    gaveUp: loadUses(answer.gaveUp),
    holds: loadUses(answer.holds),
  };
}

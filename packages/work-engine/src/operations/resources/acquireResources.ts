import {
  type AcquireRequest,
  type AcquireResult,
  acquireRequestSchema,
  formatId,
  type ResourceUse,
} from '@neolith/contracts';
import type { Obstacle } from '../../domain/resources/judgeRequests.js';
import { storeUses } from '../../domain/resources/storeUses.js';
import type { EngineContext } from '../../engineContext.js';
import { lookUntil } from '../../events/lookUntil.js';
import { notFound, uuidOf } from '../../ids.js';
import { findAttempt } from '../../store/findAttempt.js';
import { readNow } from '../../store/lockTask.js';
import { readResources } from '../../store/readResources.js';
import { toEngineError, transact } from '../../store/sql.js';
import {
  hasGivenWay,
  isHeld,
  isInLine,
  lockLease,
  lockResources,
  tellResources,
  waitForUses,
  workspaceOf,
} from '../../store/writeResources.js';
import { parseWritten } from '../parseWritten.js';
import { explainEnd } from './explainEnd.js';
import { endRefused, reviewResources } from './reviewResources.js';

/**
 * A live attempt asks for more resources than its task declares: all of them or none. It gets them when nobody else holds
 * what conflicts with them and nobody who asked earlier waits for it; until then it waits, up to `waitSeconds` for the
 * answer (default 0, at most 25) and beyond that in the line: asking again for the same keeps the place. What it got it
 * keeps until the attempt ends.
 *
 * Where attempts wait for one another in a circle, the one whose task has the lowest score gives way (then the one claimed
 * last): it is told RESOURCE_DEADLOCK, gets nothing more, and has to be released (`releaseAttempt`) once nothing of it is at
 * work; its lease isn't renewed any more. The task is TODO again then, at nobody's expense, and declares what it asked for.
 * An attempt without expiry is released at once.
 * Errors: ATTEMPT_NOT_FOUND, LEASE_LOST, RESOURCE_DEADLOCK, INVALID_INPUT.
 */
export async function acquireResources(
  engine: EngineContext,
  attemptId: string,
  request: AcquireRequest,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<AcquireResult> {
  const { resources, waitSeconds } = parseWritten(acquireRequestSchema, request, 'The request');
  const uuid = uuidOf('attempt', attemptId);
  const uses = storeUses(resources) as string[];
  // From then on this call only looks: what another call of the attempt gave up, or replaced, must not come back by it.
  let isInLine = false;
  return lookUntil(engine, {
    look: async () => {
      const result = await ask(engine, { uuid, attemptId, uses, isInLine });
      isInLine = true;
      return result;
    },
    isThere: ({ granted, waitingSince }) => granted || waitingSince === null,
    // Whatever ends an attempt, or takes one out of the line.
    mayHelp: (event) =>
      event.from === 'IN_PROGRESS' || event.from === 'MERGING' || event.type.startsWith('resources.'),
    waitSeconds,
    signal: options.signal,
  });
}

async function ask(
  engine: EngineContext,
  asked: { uuid: string; attemptId: string; uses: readonly string[]; isInLine: boolean },
): Promise<AcquireResult> {
  const attempt = await findAttempt(engine.pool, asked.uuid, engine.workspaceId).catch((error: unknown) => {
    throw toEngineError(error);
  });
  if (attempt === null) throw notFound('attempt', asked.attemptId);
  const answer = await transact(engine.pool, async (client) => {
    const workspaceId = await workspaceOf(client, asked.uuid);
    if (workspaceId === null) return null;
    await lockResources(client, workspaceId);
    const taskId = await lockLease(client, asked.uuid);
    if (taskId === null) return null;
    const now = await readNow(client, engine.now());
    if (await hasGivenWay(client, asked.uuid)) {
      // Whoever refused it may have died before the rest was done.
      const refused = [{ attemptId: asked.uuid, taskId }];
      return { kind: 'refused' as const, granted: 0, refused, deadlocks: [], now };
    }
    if (await isHeld(client, asked))
      return { kind: 'granted' as const, granted: 0, refused: [], deadlocks: [], now };
    if (asked.isInLine && !(await isInLine(client, asked)))
      return { kind: 'left' as const, granted: 0, refused: [], deadlocks: [], now };
    const before = await readResources(client, workspaceId, now);
    const isNew = !before.waits.some((wait) => wait.attempt_id === asked.uuid);
    await waitForUses(client, { attemptId: asked.uuid, uses: asked.uses, now });
    const review = await reviewResources(client, { workspaceId, actor: engine.actor, now });
    const after = await readResources(client, workspaceId, now);
    const wait = after.waits.find((other) => other.attempt_id === asked.uuid);
    const obstacles = review.judgement.waiting.get(asked.uuid) ?? [];
    if (wait !== undefined && isNew && !wait.refused) {
      await tellResources(client, {
        taskId,
        attemptId: asked.uuid,
        type: 'resources.waiting',
        actor: engine.actor,
        now,
        data: {
          resources: [...asked.uses],
          waitsFor: obstacles.map(({ attemptId, holds }) => ({
            attemptId: formatId('attempt', attemptId),
            holds,
          })),
        },
      });
    }
    const titles = new Map([...after.holds, ...after.waits].map((row) => [row.task_id, row.title]));
    return {
      kind:
        wait === undefined
          ? ('granted' as const)
          : wait.refused
            ? ('refused' as const)
            : ('waiting' as const),
      since: wait?.since ?? null,
      waitsFor: obstacles.map((obstacle) => toObstacle(obstacle, titles.get(obstacle.taskId) ?? '')),
      granted: review.granted,
      refused: review.refused,
      deadlocks: review.judgement.deadlocks,
      now,
    };
  });
  if (answer === null) throw await explainEnd(engine, { ...asked, taskUuid: attempt.task_id });
  for (const _ of answer.deadlocks) engine.observe({ kind: 'deadlock_broken' });
  await endRefused(engine, answer.refused, answer.now);
  if (answer.granted > 0 || answer.deadlocks.length > 0) engine.events.poke();
  if (answer.kind === 'refused') throw await explainEnd(engine, { ...asked, taskUuid: attempt.task_id });
  return {
    attemptId: formatId('attempt', asked.uuid),
    granted: answer.kind === 'granted',
    waitingSince: answer.kind === 'waiting' ? (answer.since ?? null) : null,
    waitsFor: answer.kind === 'waiting' ? answer.waitsFor : [],
  };
}

function toObstacle(obstacle: Obstacle, title: string): AcquireResult['waitsFor'][number] {
  const { resource, mode }: ResourceUse = obstacle.use;
  return {
    resource,
    mode,
    taskId: formatId('task', obstacle.taskId),
    title,
    attemptId: formatId('attempt', obstacle.attemptId),
    holds: obstacle.holds,
  };
}

import { formatId } from '@neolith/contracts';
import type { PoolClient } from 'pg';
import {
  type Asker,
  type Holder,
  type Judgement,
  judgeRequests,
} from '../../domain/resources/judgeRequests.js';
import type { DeadlockData, HoldRow, WaitRow } from '../../domain/resources/resourceRows.js';
import { loadUses, storeUses } from '../../domain/resources/storeUses.js';
import type { EngineContext } from '../../engineContext.js';
import { readResources } from '../../store/readResources.js';
import { type DeadlockPart, keepDeadlock } from '../../store/resourceDeadlocks.js';
import { GAVE_WAY, prepareEnding, settleAttempts } from '../../store/settleAttempts.js';
import {
  declareAskedFor,
  grantUses,
  lockLease,
  refuseUses,
  tellResources,
  withoutExpiry,
} from '../../store/writeResources.js';

/** Losses don't count here: who gives way has done nothing wrong. */
const OTHER_BUDGET = 3;

/**
 * Grants what is free to the attempts that wait, in order, and finds who waits in a circle: the one that gives way is
 * refused, and told of in an event with the circle. The workspace's resources are locked. Returns the attempts that have
 * to end: `endRefused`, once this transaction is over.
 */
export async function reviewResources(
  client: PoolClient,
  input: { workspaceId: string; actor: string; now: Date },
): Promise<{ judgement: Judgement; refused: { attemptId: string; taskId: string }[]; granted: number }> {
  const { holds, waits } = await readResources(client, input.workspaceId, input.now);
  const askers = askersOf(waits);
  const judgement = judgeRequests(holdersOf(holds), askers);
  const taskOf = new Map(askers.map((asker) => [asker.attemptId, asker]));
  const titles = new Map(waits.map((wait) => [wait.task_id, wait.title]));
  let granted = 0;
  for (const attemptId of judgement.granted) {
    const asker = taskOf.get(attemptId) as Asker;
    // Its end takes the wait away, and who ends it doesn't wait for us.
    if ((await lockLease(client, attemptId)) === null) continue;
    await grantUses(client, attemptId, input.now);
    granted += 1;
    await tellResources(client, {
      taskId: asker.taskId,
      attemptId,
      type: 'resources.granted',
      actor: input.actor,
      now: input.now,
      data: {
        resources: asker.uses.map((use) => ({ ...use })),
        waitedSeconds: secondsBetween(asker.since, input.now),
      },
    });
  }
  for (const { cycle, givesWay } of judgement.deadlocks) {
    const asker = taskOf.get(givesWay) as Asker;
    await refuseUses(client, givesWay, input.now);
    await keepDeadlock(client, {
      workspaceId: input.workspaceId,
      at: input.now,
      cycle: cycle.map((id) => kept(taskOf.get(id) as Asker, id === givesWay)),
    });
    await tellResources(client, {
      taskId: asker.taskId,
      attemptId: givesWay,
      type: 'resources.deadlock',
      actor: input.actor,
      now: input.now,
      data: {
        cycle: cycle.map((id) => describe(taskOf.get(id) as Asker, titles)),
        givesWay: formatId('attempt', givesWay),
      } satisfies DeadlockData,
    });
  }
  const refused = waits
    .filter((wait) => wait.refused)
    .map((wait) => ({ attemptId: wait.attempt_id as string, taskId: wait.task_id }));
  return {
    judgement,
    granted,
    refused: [
      ...refused,
      ...judgement.deadlocks.map(({ givesWay }) => ({
        attemptId: givesWay,
        taskId: (taskOf.get(givesWay) as Asker).taskId,
      })),
    ],
  };
}

function kept(asker: Asker, gaveWay: boolean): DeadlockPart {
  const { taskId, attemptId, uses, since } = asker;
  return { taskId, attemptId, uses: storeUses(uses) ?? [], since: since.toISOString(), gaveWay };
}

function describe(asker: Asker, titles: ReadonlyMap<string, string>): DeadlockData['cycle'][number] {
  return {
    taskId: formatId('task', asker.taskId),
    title: titles.get(asker.taskId) ?? '',
    attemptId: formatId('attempt', asker.attemptId),
    asksFor: asker.uses.map((use) => ({ ...use })),
    since: asker.since.toISOString(),
    score: asker.score,
  };
}

function secondsBetween(since: Date, now: Date): number {
  return Math.max(0, (now.getTime() - since.getTime()) / 1_000);
}

/** What each attempt holds. */
function holdersOf(holds: readonly HoldRow[]): Holder[] {
  const byAttempt = new Map<string, HoldRow[]>();
  for (const hold of holds) byAttempt.set(hold.attempt_id, [...(byAttempt.get(hold.attempt_id) ?? []), hold]);
  return [...byAttempt].map(([attemptId, rows]) => ({
    attemptId,
    taskId: rows[0]?.task_id as string,
    uses: loadUses(rows.map((row) => row.use)),
  }));
}

/** The attempts that ask for more, and have not been refused. */
function askersOf(waits: readonly WaitRow[]): Asker[] {
  return waits.flatMap((wait) =>
    wait.attempt_id === null || wait.refused
      ? []
      : [
          {
            attemptId: wait.attempt_id,
            taskId: wait.task_id,
            uses: loadUses(wait.uses),
            since: wait.since,
            score: wait.score,
            claimedAt: wait.claimed_at ?? wait.since,
          },
        ],
  );
}

/**
 * For attempts that gave way: their tasks declare from now on what they asked for in vain. What they hold they keep until they
 * are released: until then something of theirs may be at work on it. One without expiry has nobody who would end it and say
 * so; it ends here and now, at nobody's expense, as by a cancel. Safe to repeat; who was ended meanwhile stays as it is.
 */
export async function endRefused(
  engine: EngineContext,
  refused: readonly { attemptId: string; taskId: string }[],
  now: Date,
): Promise<void> {
  if (refused.length === 0) return;
  for (const { attemptId } of refused) await declareAskedFor(engine.pool, attemptId, now);
  const attemptIds = refused.map(({ attemptId }) => attemptId);
  const owned = await withoutExpiry(engine.pool, attemptIds);
  if (owned.size === 0) return;
  await settleAttempts(
    engine.pool,
    { workspaceId: engine.workspaceId, actor: 'engine', otherBudget: OTHER_BUDGET, now: engine.now() },
    refused
      .filter(({ attemptId }) => owned.has(attemptId))
      .map(({ attemptId, taskId }) =>
        prepareEnding({ taskId, attemptId, result: 'released', error: GAVE_WAY }),
      ),
  );
  engine.events.poke();
}

import { formatId, NeolithError, type Run } from '@neolith/contracts';
import { runEventOf } from '../../domain/runTransitions.js';
import { storableText } from '../../domain/storable.js';
import type { EngineContext } from '../../engineContext.js';
import { notFound, uuidOf } from '../../ids.js';
import { findTask } from '../../store/findTask.js';
import { lockRun, reviewRuns } from '../../store/lockRun.js';
import { readNow } from '../../store/lockTask.js';
import { findRun } from '../../store/readRun.js';
import { type RunRow, toRun } from '../../store/runRows.js';
import { transact } from '../../store/sql.js';
import { moveRun, resetPartOfRun } from '../../store/writeRun.js';
import { type RunReason, refuseEndingAttempts } from './moveRun.js';

/**
 * Does one task of a run again, and whatever depends on it there: each back to TODO or BLOCKED, with its budgets afresh, also
 * what was DONE. A FAILED run goes on by that; one that is paused or quarantined stays so.
 * Errors: RUN_NOT_FOUND, TASK_NOT_FOUND (also of a task of another run), RUN_ENDED, TASK_HAS_ATTEMPT while one of them is being
 * worked on, DEPENDENT_STARTED where work of another run stands on one of them, RUN_HAS_ATTEMPTS.
 */
export async function retryPartOfRun(
  engine: EngineContext,
  runId: string,
  part: RunReason & { taskId: string },
): Promise<Run> {
  const uuid = uuidOf('run', runId);
  const taskUuid = uuidOf('task', part.taskId);
  const changed = await transact(engine.pool, async (client) => {
    const row = await lockRun(client, uuid, engine.workspaceId, runId);
    const task = await findTask(client, taskUuid, engine.workspaceId);
    if (task?.run_id !== row.id) throw notFound('task', part.taskId);
    if (row.status === 'SUCCEEDED' || row.status === 'CANCELLED' || row.status === 'PENDING') {
      throw new NeolithError(
        'RUN_ENDED',
        `Run ${runId} is ${row.status}; a part of it can be retried while it is RUNNING, PAUSED, QUARANTINED or FAILED`,
        { details: { runId: formatId('run', row.id), status: row.status } },
      );
    }
    const now = await readNow(client, engine.now());
    // One in quarantine waits for a person to look at all of it, not at one task.
    if (row.status === 'FAILED') {
      await refuseEndingAttempts(client, row);
      await moveRun(client, row, {
        to: 'RUNNING',
        event: runEventOf('retry'),
        actor: engine.actor,
        now,
        fresh: true,
        data: {
          taskId: formatId('task', taskUuid),
          ...(part.reason === undefined ? {} : { reason: storableText(part.reason) }),
        },
      });
    }
    const { code, id } = await resetPartOfRun(client, {
      runId: row.id,
      taskId: taskUuid,
      actor: engine.actor,
      now,
    });
    if (code !== null) {
      const inTheWay = formatId('task', id);
      throw new NeolithError(
        code,
        code === 'TASK_HAS_ATTEMPT'
          ? `Task ${inTheWay}, which would be done again, is being worked on; cancel it or wait for its end`
          : `Task ${part.taskId} can't be done again with what depends on it: ${inTheWay} of another run has started on that`,
        { details: { taskId: inTheWay } },
      );
    }
    await reviewRuns(client, { runIds: [row.id], actor: engine.actor, now });
    return (await findRun(client, row.id, null)) as RunRow;
  });
  engine.events.poke();
  return toRun(changed);
}

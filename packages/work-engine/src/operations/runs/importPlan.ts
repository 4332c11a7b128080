import {
  formatId,
  NeolithError,
  type ParsedNewRun,
  type PlanImport,
  type PlanImportResult,
} from '@neolith/contracts';
import type { PoolClient } from 'pg';
import { runEventOf } from '../../domain/runTransitions.js';
import type { EngineContext } from '../../engineContext.js';
import { uuidOf } from '../../ids.js';
import { lockPlanSource } from '../../store/edges.js';
import { lockRun, reviewRuns } from '../../store/lockRun.js';
import { readNow } from '../../store/lockTask.js';
import { findRun, lockRunBySource } from '../../store/readRun.js';
import { type RunRow, toRun } from '../../store/runRows.js';
import { transact } from '../../store/sql.js';
import { moveRun, requeueRun } from '../../store/writeRun.js';
import { ownersOf } from '../createTasks.js';
import { insertWholeRun, parseRun } from './createRun.js';
import type { ImportedPlan, PlannedTask } from './plannedTask.js';
import { updateFromPlan } from './updateFromPlan.js';

/** Ends the transaction of a dry run. */
class DryRunOver extends Error {}

/**
 * Stores a plan as a run, or brings the run of the same `source` up to date: tasks are found again by their `sourceId`,
 * changed where they differ, created where they are new; those that the plan has no more are reported and left alone.
 * All in one transaction. A dry run does the same and takes it back, so it says exactly what would happen.
 *
 * Dependencies of tasks that have begun, and the status of any, are not changed: they are reported as `refused`.
 * Errors: as createRun; RUN_ENDED where the run of this source is over.
 */
export async function importPlan(engine: EngineContext, plan: PlanImport): Promise<PlanImportResult> {
  const { dryRun = false, start = false, ...given } = plan;
  const parsed = parseRun(given);
  const { source } = parsed;
  if (source === null) throw new NeolithError('INVALID_INPUT', 'An import names its source');
  const tasks = checkSourceIds(parsed);
  let result: (PlanImportResult & { isNew: boolean }) | undefined;
  try {
    await transact(engine.pool, async (client) => {
      result = await importInto(engine, client, { ...parsed, source, tasks }, start);
      if (dryRun) throw new DryRunOver();
    });
  } catch (error) {
    if (!(error instanceof DryRunOver)) throw error;
  }
  const { isNew, ...done } = result as NonNullable<typeof result>;
  if (!dryRun) {
    engine.events.poke();
    return done;
  }
  // Ids that a dry run made up name nothing.
  return {
    ...done,
    dryRun: true,
    run: isNew ? null : done.run,
    created: done.created.map((task) => ({ ...task, taskId: null })),
  };
}

function checkSourceIds(plan: ParsedNewRun): PlannedTask[] {
  return plan.tasks.map((task, index) => {
    const sourceId = task.sourceId ?? task.key;
    if (sourceId === undefined || sourceId === null) {
      throw new NeolithError(
        'INVALID_INPUT',
        `Task ${index + 1} ("${task.title}") has no sourceId; give each task of a plan its own, so that a second import finds it again`,
        { details: { index } },
      );
    }
    return { ...task, source: plan.source, sourceId, key: task.key ?? sourceId };
  });
}

async function importInto(
  engine: EngineContext,
  client: PoolClient,
  plan: ImportedPlan,
  start: boolean,
): Promise<PlanImportResult & { isNew: boolean }> {
  const { workspaceId } = await ownersOf(engine, client, [plan, ...plan.tasks]);
  // Two imports of one source happen one after another, also while there is no run yet.
  await lockPlanSource(client, workspaceId, plan.source);
  const existing = await lockRunBySource(client, workspaceId, plan.source);
  const result =
    existing === null
      ? await createWhole(engine, client, plan)
      : await updateFromPlan(engine, client, existing, plan);
  const runId = result.run?.id as string;
  const row = await lockRun(client, uuidOf('run', runId), workspaceId, runId);
  const now = await readNow(client, engine.now());
  if (start && row.status === 'PENDING') {
    await moveRun(client, row, {
      to: 'RUNNING',
      event: runEventOf('start'),
      actor: engine.actor,
      now,
      fresh: true,
    });
    await requeueRun(client, row.id, now);
  }
  await reviewRuns(client, { runIds: [row.id], actor: engine.actor, now });
  const run = toRun((await findRun(client, row.id, workspaceId)) as RunRow);
  return { ...result, run, isNew: existing === null };
}

async function createWhole(
  engine: EngineContext,
  client: PoolClient,
  plan: ImportedPlan,
): Promise<PlanImportResult> {
  const { row, uuids } = await insertWholeRun(engine, client, plan);
  return {
    run: toRun(row),
    dryRun: false,
    created: plan.tasks.map((task, index) => ({
      taskId: formatId('task', uuids[index] as string),
      sourceId: task.sourceId,
      title: task.title,
    })),
    updated: [],
    unchanged: 0,
    removed: [],
    refused: [],
  };
}

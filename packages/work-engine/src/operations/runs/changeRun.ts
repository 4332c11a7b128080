import {
  formatId,
  NeolithError,
  parseId,
  type Run,
  type RunFilter,
  type RunPage,
  type RunPatch,
  type RunSettings,
  runPatchSchema,
} from '@neolith/contracts';
import { applySettings } from '../../domain/applySettings.js';
import { isDeletable, isRunEnded } from '../../domain/runTransitions.js';
import type { EngineContext } from '../../engineContext.js';
import { uuidOf } from '../../ids.js';
import { lockRun, reviewRuns } from '../../store/lockRun.js';
import { readNow } from '../../store/lockTask.js';
import { findRun, listRunRows } from '../../store/readRun.js';
import { type RunRow, toRun, toRunConfig } from '../../store/runRows.js';
import { toEngineError, transact } from '../../store/sql.js';
import { deleteRunRows, findOutsideDependents, patchRun, requeueRun, tellRun } from '../../store/writeRun.js';
import { parseWritten } from '../parseWritten.js';
import { refuseLiveAttempts } from './moveRun.js';

/**
 * Changes name, description, due date or settings of a run, also while it is running; what is left out stays. Higher
 * limits hold from the next claim on, lower ones as attempts end. `mergeStage` can't change while attempts are live.
 * Errors: RUN_NOT_FOUND, RUN_ENDED, RUN_HAS_ATTEMPTS, INVALID_INPUT.
 */
export async function updateRun(engine: EngineContext, runId: string, patch: RunPatch): Promise<Run> {
  const parsed = parseWritten(runPatchSchema, patch, 'The patch');
  const changed = await transact(engine.pool, async (client) => {
    const row = await lockRun(client, uuidOf('run', runId), engine.workspaceId, runId);
    if (isRunEnded(row.status)) {
      throw new NeolithError(
        'RUN_ENDED',
        `Run ${runId} is ${row.status}; reset or retry it before changing it`,
        {
          details: { runId, status: row.status },
        },
      );
    }
    const before = toRunConfig(row);
    const config = applySettings(before, parsed.config ?? {});
    if (config.mergeStage !== before.mergeStage) await refuseLiveAttempts(client, row);
    const now = await readNow(client, engine.now());
    await patchRun(client, row, {
      name: parsed.name ?? row.name,
      description: parsed.description ?? row.description,
      dueAt: parsed.dueAt === undefined ? row.due_at : parsed.dueAt,
      config,
      orchestratorId: row.orchestrator_id,
      metadata: row.metadata,
      now,
    });
    await tellRun(client, row.id, {
      event: 'run.updated',
      actor: engine.actor,
      now,
      data: { fields: Object.keys(parsed), config: Object.keys(parsed.config ?? {}) },
    });
    await requeueRun(client, row.id, now);
    await reviewRuns(client, { runIds: [row.id], actor: engine.actor, now });
    return (await findRun(client, row.id, null)) as RunRow;
  });
  engine.events.poke();
  return toRun(changed);
}

/** Changes the settings of a run; see updateRun. */
export async function updateRunConfig(
  engine: EngineContext,
  runId: string,
  config: RunSettings,
): Promise<Run> {
  return updateRun(engine, runId, { config });
}

/**
 * Deletes a run that is not active, with its tasks; events and ended attempts stay as history. Refused while attempts
 * are live, and while tasks elsewhere wait for tasks of it.
 * Errors: RUN_NOT_FOUND, INVALID_TRANSITION, RUN_HAS_ATTEMPTS, RUN_HAS_DEPENDENTS.
 */
export async function deleteRun(engine: EngineContext, runId: string): Promise<void> {
  await transact(engine.pool, async (client) => {
    const row = await lockRun(client, uuidOf('run', runId), engine.workspaceId, runId);
    if (!isDeletable(row.status)) {
      throw new NeolithError(
        'INVALID_TRANSITION',
        `Run ${runId} is ${row.status}; stop it before deleting it`,
        {
          details: { runId, status: row.status },
        },
      );
    }
    await refuseLiveAttempts(client, row);
    const waiting = await findOutsideDependents(client, row.id);
    if (waiting.length > 0) {
      const names = waiting.map((id) => formatId('task', id));
      throw new NeolithError(
        'RUN_HAS_DEPENDENTS',
        `Tasks outside of run ${runId} depend on tasks of it: ${names.join(', ')}; remove those dependencies first`,
        { details: { runId, dependents: names } },
      );
    }
    const now = await readNow(client, engine.now());
    await tellRun(client, row.id, { event: 'run.deleted', actor: engine.actor, now, from: row.status });
    await deleteRunRows(client, row.id);
  });
  engine.events.poke();
}

/** Runs by filter, newest first, page by page (default 50, at most 500). Errors: INVALID_CURSOR. */
export async function listRuns(engine: EngineContext, filter: Partial<RunFilter> = {}): Promise<RunPage> {
  const limit = Math.min(Math.max(Math.trunc(filter.limit ?? 50), 1), 500);
  const before = filter.cursor === undefined ? null : parseId('run', filter.cursor);
  if (filter.cursor !== undefined && before === null) {
    throw new NeolithError(
      'INVALID_CURSOR',
      'The cursor is not one that this list gave; leave it out to begin anew',
    );
  }
  const rows = await listRunRows(engine.pool, {
    workspaceId: engine.workspaceId,
    status: filter.status ?? null,
    source: filter.source ?? null,
    before,
    limit: limit + 1,
  }).catch((error: unknown) => {
    throw toEngineError(error);
  });
  const runs = rows.slice(0, limit).map(toRun);
  return { runs, nextCursor: rows.length > limit ? (runs[runs.length - 1]?.id ?? null) : null };
}

import { z } from 'zod';
import type { ErrorCode } from '../errors/codes.js';
import { eventPageSchema } from '../schemas/event.js';
import { newRunSchema, planImportRequestSchema, planImportResultSchema } from '../schemas/newRun.js';
import {
  runFilterSchema,
  runPageSchema,
  runPatchSchema,
  runReasonSchema,
  runRetrySchema,
  runSchema,
} from '../schemas/run.js';
import {
  runGraphQuerySchema,
  runGraphSchema,
  runHistoryQuerySchema,
  runProgressSchema,
  runSnapshotSchema,
} from '../schemas/runView.js';
import { taskSchema } from '../schemas/task.js';
import { defineEndpoint } from './endpoint.js';

const group = 'Runs';

/** A verb that moves a run along its state table. */
function moveRun<const Name extends string>(name: Name, summary: string, errors: readonly ErrorCode[] = []) {
  return defineEndpoint({
    method: 'POST',
    path: `/runs/{id}/${name}`,
    group,
    scope: 'write',
    status: 200,
    summary,
    body: runReasonSchema,
    response: runSchema,
    errors: ['RUN_NOT_FOUND', 'INVALID_TRANSITION', ...errors],
  });
}

const planErrors = [
  'TASK_NOT_FOUND',
  'ORCHESTRATOR_NOT_FOUND',
  'CHANNEL_NOT_FOUND',
  'DEPENDENCY_CYCLE',
  'DEPENDENCY_ON_ITSELF',
  'DUPLICATE_DEPENDENCY',
  'DUPLICATE_SOURCE_ID',
] as const;

export const runEndpoints = {
  listRuns: defineEndpoint({
    method: 'GET',
    path: '/runs',
    group,
    scope: 'read',
    status: 200,
    summary: 'Runs by filter, newest first, page by page',
    query: runFilterSchema,
    response: runPageSchema,
    errors: ['INVALID_CURSOR'],
  }),
  createRun: defineEndpoint({
    method: 'POST',
    path: '/runs',
    group,
    scope: 'write',
    status: 201,
    summary:
      'Create a run with its tasks and the dependencies among them: all of it or nothing. It waits for its start',
    body: newRunSchema,
    maxBodyBytes: 67_108_864,
    response: runSchema,
    errors: [...planErrors, 'RUN_SOURCE_TAKEN'],
  }),
  importPlan: defineEndpoint({
    method: 'POST',
    path: '/runs/import',
    group,
    scope: 'write',
    status: 200,
    summary:
      'Store a plan as a run, or bring the run of the same source up to date; or only say what would happen',
    body: planImportRequestSchema,
    maxBodyBytes: 67_108_864,
    response: planImportResultSchema,
    errors: [...planErrors, 'RUN_ENDED', 'RUN_HAS_ATTEMPTS'],
  }),
  getRun: defineEndpoint({
    method: 'GET',
    path: '/runs/{id}',
    group,
    scope: 'read',
    status: 200,
    summary: 'One run, with its settings and counts',
    response: runSchema,
    errors: ['RUN_NOT_FOUND'],
  }),
  updateRun: defineEndpoint({
    method: 'PATCH',
    path: '/runs/{id}',
    group,
    scope: 'write',
    status: 200,
    summary: 'Change the name, due date or settings of a run, also while it is running',
    body: runPatchSchema,
    response: runSchema,
    errors: ['RUN_NOT_FOUND', 'RUN_ENDED', 'RUN_HAS_ATTEMPTS'],
  }),
  deleteRun: defineEndpoint({
    method: 'DELETE',
    path: '/runs/{id}',
    group,
    scope: 'write',
    status: 204,
    summary: 'Delete a run that is not active, with its tasks; their history stays',
    errors: ['RUN_NOT_FOUND', 'INVALID_TRANSITION', 'RUN_HAS_ATTEMPTS', 'RUN_HAS_DEPENDENTS'],
  }),
  startRun: moveRun('start', 'Start a run: from now on its tasks are handed out'),
  pauseRun: moveRun('pause', 'Hand out nothing new; what is running goes on'),
  resumeRun: moveRun('resume', 'Hand out work again'),
  stopRun: moveRun(
    'stop',
    'Cancel a run: its waiting tasks at once, its running attempts as soon as their processes have ended',
  ),
  releaseRun: moveRun('release', 'Hand out work again after a quarantine; the failures are counted anew'),
  retryRun: defineEndpoint({
    method: 'POST',
    path: '/runs/{id}/retry',
    group,
    scope: 'write',
    status: 200,
    summary:
      'Go on with a failed run: its failed tasks get another chance; or do one task again with whatever depends on it',
    body: runRetrySchema,
    response: runSchema,
    errors: [
      'RUN_NOT_FOUND',
      'INVALID_TRANSITION',
      'RUN_HAS_ATTEMPTS',
      'TASK_NOT_FOUND',
      'RUN_ENDED',
      'TASK_HAS_ATTEMPT',
      'DEPENDENT_STARTED',
    ],
  }),
  resetRun: moveRun(
    'reset',
    'Back to PENDING, with everything that is not done afresh, also what was cancelled; the history stays',
    ['RUN_HAS_ATTEMPTS'],
  ),
  completeRun: moveRun('complete', 'End a run in which nothing is left that could be done', ['RUN_NOT_OVER']),
  getRunSnapshot: defineEndpoint({
    method: 'GET',
    path: '/runs/{id}/snapshot',
    group,
    scope: 'read',
    status: 200,
    summary: 'The whole run in one consistent read; its cursor is where to follow the events from',
    response: runSnapshotSchema,
    errors: ['RUN_NOT_FOUND'],
  }),
  getRunHistory: defineEndpoint({
    method: 'GET',
    path: '/runs/{id}/events',
    group,
    scope: 'read',
    status: 200,
    summary: 'The events of a run and its tasks, oldest first, page by page',
    query: runHistoryQuerySchema,
    response: eventPageSchema,
    errors: ['RUN_NOT_FOUND', 'INVALID_CURSOR'],
  }),
  getRunProgress: defineEndpoint({
    method: 'GET',
    path: '/runs/{id}/progress',
    group,
    scope: 'read',
    status: 200,
    summary: 'How far a run is, what it waits for, and when it may be over',
    response: runProgressSchema,
    errors: ['RUN_NOT_FOUND'],
  }),
  getRunGraph: defineEndpoint({
    method: 'GET',
    path: '/runs/{id}/graph',
    group,
    scope: 'read',
    status: 200,
    summary:
      'The graph of a run: its tasks, waves, critical path and oddities, or a drawing (Graphviz, Mermaid), or its plan',
    query: runGraphQuerySchema,
    response: runGraphSchema,
    errors: ['RUN_NOT_FOUND'],
  }),
  getReadyTasks: defineEndpoint({
    method: 'GET',
    path: '/runs/{id}/ready',
    group,
    scope: 'read',
    status: 200,
    summary: 'The tasks of a run that wait for nothing but a slot, best first',
    response: z.object({ tasks: z.array(taskSchema) }).meta({ id: 'ReadyTasks' }),
    errors: ['RUN_NOT_FOUND'],
  }),
} as const;

import { z } from 'zod';
import { idSchema } from '../ids.js';
import { dateTimeSchema, pageSizeSchema } from '../schemas/common.js';
import {
  attemptPageSchema,
  newOrchestratorSchema,
  orchestratorDetailSchema,
  orchestratorListSchema,
  orchestratorPatchSchema,
  overviewSchema,
} from '../schemas/orchestrator.js';
import { rankedTaskSchema, rankingSchema, selectionExplanationSchema } from '../schemas/selection.js';
import { executionStatsSchema } from '../schemas/stats.js';
import { taskPrioritySchema } from '../schemas/vocabulary.js';
import { claimRequestSchema, claimResponseSchema } from '../schemas/work.js';
import {
  channelListSchema,
  channelSchema,
  newChannelSchema,
  workspacePatchSchema,
  workspaceSchema,
} from '../schemas/workspace.js';
import { defineEndpoint } from './endpoint.js';

const commaList = z
  .string()
  .max(5_000)
  .transform((value) => value.split(',').filter((part) => part !== ''));

/** Criteria as a query string writes them: lists are separated by commas. */
const criteriaQuery = z.strictObject({
  requireTags: commaList.optional(),
  excludeTags: commaList.optional(),
  minPriority: taskPrioritySchema.optional(),
  maxPriority: taskPrioritySchema.optional(),
  runId: idSchema.optional(),
  excludeTaskIds: commaList.optional(),
});

const group = 'Orchestrators';

export const orchestratorEndpoints = {
  getOverview: defineEndpoint({
    method: 'GET',
    path: '/overview',
    group,
    scope: 'read',
    status: 200,
    summary: 'All orchestrators at a glance: status, current work, backlog, success rate, throughput',
    response: overviewSchema,
    errors: [],
  }),
  listOrchestrators: defineEndpoint({
    method: 'GET',
    path: '/orchestrators',
    group,
    scope: 'read',
    status: 200,
    summary: 'The orchestrators of the workspace, by name',
    response: orchestratorListSchema,
    errors: [],
  }),
  createOrchestrator: defineEndpoint({
    method: 'POST',
    path: '/orchestrators',
    group,
    scope: 'write',
    status: 201,
    summary: 'Create an orchestrator, and the user account that holds its charter',
    body: newOrchestratorSchema,
    response: orchestratorDetailSchema,
    errors: ['NAME_TAKEN'],
  }),
  getOrchestrator: defineEndpoint({
    method: 'GET',
    path: '/orchestrators/{id}',
    group,
    scope: 'read',
    status: 200,
    summary: 'One orchestrator with its charter',
    response: orchestratorDetailSchema,
    errors: ['ORCHESTRATOR_NOT_FOUND'],
  }),
  updateOrchestrator: defineEndpoint({
    method: 'PATCH',
    path: '/orchestrators/{id}',
    group,
    scope: 'write',
    status: 200,
    summary: 'Change an orchestrator: status, limits, time zone, charter',
    body: orchestratorPatchSchema,
    response: orchestratorDetailSchema,
    errors: ['ORCHESTRATOR_NOT_FOUND', 'NAME_TAKEN'],
  }),
  getNextTask: defineEndpoint({
    method: 'GET',
    path: '/orchestrators/{id}/next-task',
    group,
    scope: 'read',
    status: 200,
    summary: 'The task that would be handed out now; 204 when there is none. Reads only',
    query: criteriaQuery,
    response: rankedTaskSchema.shape.task,
    mayBeEmpty: true,
    errors: ['ORCHESTRATOR_NOT_FOUND'],
  }),
  getQueue: defineEndpoint({
    method: 'GET',
    path: '/orchestrators/{id}/queue',
    group,
    scope: 'read',
    status: 200,
    summary: 'The claimable tasks in order, with the parts of each score',
    query: criteriaQuery.extend({ limit: pageSizeSchema }),
    response: rankingSchema,
    errors: ['ORCHESTRATOR_NOT_FOUND'],
  }),
  explainSelection: defineEndpoint({
    method: 'GET',
    path: '/orchestrators/{id}/explain',
    group,
    scope: 'read',
    status: 200,
    summary: 'Why this task is next, and why another one is not',
    query: criteriaQuery.extend({ taskId: idSchema.optional() }),
    response: selectionExplanationSchema,
    errors: ['ORCHESTRATOR_NOT_FOUND', 'TASK_NOT_FOUND'],
  }),
  claimTasks: defineEndpoint({
    method: 'POST',
    path: '/orchestrators/{id}/claim',
    group,
    scope: 'work',
    status: 200,
    summary: 'Select and claim the next tasks, waiting for work if asked to; each comes with its context',
    body: claimRequestSchema,
    response: claimResponseSchema,
    repeatable: true,
    errors: ['ORCHESTRATOR_NOT_FOUND', 'DAEMON_NOT_FOUND'],
  }),
  getOrchestratorStats: defineEndpoint({
    method: 'GET',
    path: '/orchestrators/{id}/stats',
    group,
    scope: 'read',
    status: 200,
    summary: 'Execution statistics over [start, end); without a range the last 30 days',
    query: z.strictObject({ start: dateTimeSchema.optional(), end: dateTimeSchema.optional() }),
    response: executionStatsSchema,
    errors: ['ORCHESTRATOR_NOT_FOUND'],
  }),
  listOrchestratorAttempts: defineEndpoint({
    method: 'GET',
    path: '/orchestrators/{id}/attempts',
    group,
    scope: 'read',
    status: 200,
    summary: 'Its attempts: the running ones first, then the ended, newest first',
    query: z.strictObject({ limit: pageSizeSchema, cursor: z.string().max(200).optional() }),
    response: attemptPageSchema,
    errors: ['ORCHESTRATOR_NOT_FOUND', 'INVALID_CURSOR'],
  }),
  getWorkspace: defineEndpoint({
    method: 'GET',
    path: '/workspace',
    group: 'Workspace',
    scope: 'read',
    status: 200,
    summary: 'The workspace of the token, with its weights and boosts',
    response: workspaceSchema,
    errors: [],
  }),
  updateWorkspace: defineEndpoint({
    method: 'PATCH',
    path: '/workspace',
    group: 'Workspace',
    scope: 'admin',
    status: 200,
    summary: 'Rename the workspace or change its weights and boosts',
    body: workspacePatchSchema,
    response: workspaceSchema,
    errors: [],
  }),
  listChannels: defineEndpoint({
    method: 'GET',
    path: '/channels',
    group: 'Workspace',
    scope: 'read',
    status: 200,
    summary: 'The channels of the workspace, by name',
    response: channelListSchema,
    errors: [],
  }),
  createChannel: defineEndpoint({
    method: 'POST',
    path: '/channels',
    group: 'Workspace',
    scope: 'write',
    status: 201,
    summary: 'Create a channel',
    body: newChannelSchema,
    response: channelSchema,
    errors: ['NAME_TAKEN'],
  }),
} as const;

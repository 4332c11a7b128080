import { z } from 'zod';
import { idSchema } from '../ids.js';
import { attemptSchema } from './attempt.js';
import { backoffSchema, backoffSettingsSchema, DEFAULT_BACKOFF } from './backoff.js';
import {
  bytesOf,
  dateTimeSchema,
  jsonSchema,
  metadataSchema,
  nonEmptyText,
  pageSizeSchema,
  tagsSchema,
  text,
} from './common.js';
import { resourceInputsSchema, resourceUseSchema } from './resource.js';
import { BLOCK_REASONS, taskPrioritySchema, taskStatusSchema } from './vocabulary.js';

/** A unit of work as it is stored. */
export const taskSchema = z
  .object({
    id: z.string(),
    workspaceId: z.string(),
    orchestratorId: z.string().nullable(),
    channelId: z.string().nullable(),
    parentId: z.string().nullable(),
    /** The run it belongs to, and its wave there, from 0. */
    runId: z.string().nullable(),
    wave: z.number().int().nullable(),
    title: z.string(),
    description: z.string(),
    acceptanceCriteria: z.array(z.string()),
    priority: taskPrioritySchema,
    status: taskStatusSchema,
    tags: z.array(z.string()),
    /** What it must not use at once with other tasks: taken with the claim, all or nothing, and let go with the attempt. */
    resources: z.array(resourceUseSchema).default([]),
    dueAt: dateTimeSchema.nullable(),
    createdAt: dateTimeSchema,
    updatedAt: dateTimeSchema,
    /** Not handed out before this time (a retry waits its backoff). */
    availableAt: dateTimeSchema.nullable(),
    /** The last claim. */
    claimedAt: dateTimeSchema.nullable(),
    finishedAt: dateTimeSchema.nullable(),
    /** Percent, 0 to 100. */
    progress: z.number().int(),
    progressMessage: z.string().nullable(),
    blockedReason: z.string().nullable(),
    blockedQuestion: z.string().nullable(),
    /** What a person answered when lifting the last reported obstacle. */
    answer: z.string().nullable(),
    maxAttempts: z.number().int(),
    /** What it says of its waits itself; null: nothing. A claim leaves it out, for a daemon has no use for it. */
    backoff: backoffSchema.partial().nullish(),
    attemptCount: z.number().int(),
    failureCount: z.number().int(),
    lostCount: z.number().int(),
    /** Merges that ended in a conflict or red. */
    mergeFailureCount: z.number().int(),
    timeoutSeconds: z.number().int().nullable(),
    estimateMinutes: z.number().int().nullable(),
    metadata: z.record(z.string(), z.json()),
    source: z.string().nullable(),
    sourceId: z.string().nullable(),
  })
  .meta({ id: 'Task' });
export type Task = z.infer<typeof taskSchema>;

export const taskReferenceSchema = z
  .object({ id: z.string(), title: z.string(), status: taskStatusSchema, priority: taskPrioritySchema })
  .meta({ id: 'TaskReference' });
export type TaskReference = z.infer<typeof taskReferenceSchema>;

/** What a finished task brought: of the attempt whose outcome was accepted. */
export const taskResultSchema = z
  .object({
    output: jsonSchema.nullable(),
    artifacts: z.array(z.object({ type: z.string(), content: z.string() })),
    error: z.string().nullable(),
  })
  .meta({ id: 'TaskResult' });
export type TaskResult = z.infer<typeof taskResultSchema>;

/** A task with what it waits for, what waits for it, its attempts and its result. */
export const taskDetailSchema = taskSchema
  .extend({
    blockReasons: z.array(z.enum(BLOCK_REASONS)),
    prerequisites: z.array(taskReferenceSchema),
    /** The prerequisites that are not DONE. */
    waitsFor: z.array(taskReferenceSchema),
    dependents: z.array(taskReferenceSchema),
    attempts: z.array(attemptSchema),
    /** What holds for its waits: its own settings over its run's over the defaults. */
    retryBackoff: backoffSchema.default(DEFAULT_BACKOFF),
    result: taskResultSchema.nullable(),
  })
  .meta({ id: 'TaskDetail' });
export type TaskDetail = z.infer<typeof taskDetailSchema>;

const description = text(102_400).refine((value) => bytesOf(value) <= 102_400, 'must be at most 100 KB');

const newTaskObject = z.strictObject({
  key: nonEmptyText(300).optional(),
  title: nonEmptyText(300),
  description: description.default(''),
  acceptanceCriteria: z.array(nonEmptyText(2_000)).max(100).default([]),
  orchestratorId: idSchema.nullable().default(null),
  channelId: idSchema.nullable().default(null),
  /** An id, or the `key` of another task of the same call. */
  parentId: z.string().min(1).max(300).nullable().default(null),
  /** The run it becomes part of; it must not have ended. */
  runId: idSchema.nullable().default(null),
  priority: taskPrioritySchema.default('MEDIUM'),
  tags: tagsSchema.default([]),
  resources: resourceInputsSchema.default([]),
  dueAt: dateTimeSchema.nullable().default(null),
  availableAt: dateTimeSchema.nullable().default(null),
  createdAt: dateTimeSchema.optional(),
  dependsOn: z.array(z.string().min(1).max(300)).max(10_000).default([]),
  maxAttempts: z.number().int().min(1).max(100).default(3),
  backoff: backoffSettingsSchema.nullable().default(null),
  timeoutSeconds: z.number().int().min(1).max(604_800).nullable().default(null),
  estimateMinutes: z.number().int().min(1).max(1_000_000).nullable().default(null),
  metadata: metadataSchema.default({}),
  source: nonEmptyText(300).nullable().default(null),
  sourceId: nonEmptyText(300).nullable().default(null),
  /** For imports: work that was finished elsewhere. */
  status: z.enum(['TODO', 'DONE', 'CANCELLED']).default('TODO'),
});

/** A task of a new run: its `sourceId` belongs to the source of the run. */
export const newRunTaskSchema = newTaskObject.meta({ id: 'NewRunTask' });

/** A new task. `dependsOn` names tasks by id, or by `key` of another task of the same call. */
export const newTaskSchema = newTaskObject
  .refine((task) => (task.source === null) === (task.sourceId === null), {
    path: ['sourceId'],
    message: 'source and sourceId are given together or not at all',
  })
  .meta({ id: 'NewTask' });
/** What a caller writes: fields with a default may be left out. Dates are `Date`s here and ISO text in JSON. */
export type NewTask = Partial<z.output<typeof newTaskSchema>> & { title: string };
export type ParsedNewTask = z.output<typeof newTaskSchema>;

export const createTasksSchema = z
  .strictObject({ tasks: z.array(newTaskSchema).min(1).max(5_000) })
  .meta({ id: 'CreateTasks' });

export const taskPatchSchema = z
  .strictObject({
    title: nonEmptyText(300).optional(),
    description: description.optional(),
    acceptanceCriteria: z.array(nonEmptyText(2_000)).max(100).optional(),
    /** Refused with TASK_HAS_ATTEMPT while an attempt is live. */
    orchestratorId: idSchema.nullable().optional(),
    channelId: idSchema.nullable().optional(),
    priority: taskPrioritySchema.optional(),
    tags: tagsSchema.optional(),
    /** Of a running task it counts from its next attempt on. */
    resources: resourceInputsSchema.optional(),
    dueAt: dateTimeSchema.nullable().optional(),
    maxAttempts: z.number().int().min(1).max(100).optional(),
    /** In place of what it said before; null: as its run or the defaults say. Counts from the next failure on. */
    backoff: backoffSettingsSchema.nullable().optional(),
    timeoutSeconds: z.number().int().min(1).max(604_800).nullable().optional(),
    estimateMinutes: z.number().int().min(1).max(1_000_000).nullable().optional(),
    metadata: metadataSchema.optional(),
  })
  .meta({ id: 'TaskPatch' });
export type TaskPatch = z.output<typeof taskPatchSchema>;

export const taskFilterSchema = z
  .strictObject({
    orchestratorId: idSchema.optional(),
    /** `true`: only tasks that belong to nobody. */
    unassigned: z.enum(['true', 'false']).optional(),
    status: taskStatusSchema.optional(),
    source: z.string().max(300).optional(),
    runId: idSchema.optional(),
    limit: pageSizeSchema,
    /** The `nextCursor` of the page before. */
    cursor: z.string().max(200).optional(),
  })
  .meta({ id: 'TaskFilter' });
export type TaskFilter = z.output<typeof taskFilterSchema>;

export const taskPageSchema = z
  .object({ tasks: z.array(taskSchema), nextCursor: z.string().nullable() })
  .meta({ id: 'TaskPage' });
export type TaskPage = z.infer<typeof taskPageSchema>;

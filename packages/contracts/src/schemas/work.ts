import { z } from 'zod';
import { problemSchema } from '../errors/problem.js';
import { idSchema } from '../ids.js';
import { attemptSchema } from './attempt.js';
import { heldAgentSchema } from './breaker.js';
import { bytesOf, dateTimeSchema, metadataSchema, nonEmptyText, outputSchema, text } from './common.js';
import { artifactSchema, taskExecutionContextSchema } from './context.js';
import { criteriaSchema, scoreSchema } from './selection.js';
import { taskSchema } from './task.js';
import { reportedUsageSchema } from './usage.js';
import {
  attemptStatusSchema,
  failureClassSchema,
  nothingReasonSchema,
  prerequisitePolicySchema,
  taskStatusSchema,
} from './vocabulary.js';

/** A lease lasts between 1 second and a day; null never runs out (work done in process). Default 30. */
const leaseSecondsSchema = z.number().int().min(1).max(86_400);

export const claimRequestSchema = z
  .strictObject({
    daemonId: idSchema.optional(),
    /** Repeating a claim with the same id gets the same attempts and takes nothing more. */
    requestId: nonEmptyText(100),
    agent: nonEmptyText(100).optional(),
    /** How many tasks at most. */
    max: z.number().int().min(1).max(100).default(1),
    leaseSeconds: leaseSecondsSchema.default(30),
    /** How long to wait for work where there is none, in seconds. */
    waitSeconds: z.number().min(0).max(25).default(0),
    criteria: criteriaSchema.optional(),
  })
  .meta({ id: 'ClaimRequest' });
export type ClaimRequest = z.input<typeof claimRequestSchema>;

export const claimSchema = z
  .object({
    task: taskSchema,
    attempt: attemptSchema,
    score: scoreSchema.nullable(),
    context: taskExecutionContextSchema,
    /** W3C trace context, where the server sends traces: to be sent with each later call about the attempt. */
    traceparent: z.string().max(100).optional(),
  })
  .meta({ id: 'Claim' });
export type ClaimWithContext = z.infer<typeof claimSchema>;

export const claimResponseSchema = z
  .object({
    claims: z.array(claimSchema),
    reason: nothingReasonSchema.nullable(),
    /** Agents whose breaker isn't closed; left out where there is none. At most a second old: a permit says for certain. */
    heldAgents: z.array(heldAgentSchema).optional(),
  })
  .meta({ id: 'ClaimResponse' });
export type ClaimResponse = z.infer<typeof claimResponseSchema>;

export const executeRequestSchema = z
  .strictObject({
    orchestratorId: idSchema,
    daemonId: idSchema.optional(),
    agent: nonEmptyText(100).optional(),
    leaseSeconds: leaseSecondsSchema.default(30),
  })
  .meta({ id: 'ExecuteRequest' });

/** The original specification's shape: what `executeTask` answers. */
export const executionSchema = z
  .discriminatedUnion('status', [
    z.object({
      taskId: z.string(),
      status: z.literal('in_progress'),
      output: taskExecutionContextSchema,
      /** The fencing token: name it in every later call about this attempt. */
      attemptId: z.string(),
      metrics: z.object({ startedAt: dateTimeSchema }),
    }),
    z.object({
      taskId: z.string(),
      status: z.literal('blocked'),
      error: z.string(),
      metrics: z.object({ startedAt: dateTimeSchema }),
    }),
  ])
  .meta({ id: 'Execution' });
export type Execution = z.infer<typeof executionSchema>;

const progressFields = {
  /** Percent, 0 to 100. */
  progress: z.number(),
  /** Where the task goes with this report: stays (default), or is reported blocked with `message` as the reason. */
  status: taskStatusSchema.optional(),
  message: text(2_000).optional(),
  /** Merged into the task's metadata, key by key. */
  metadata: metadataSchema.optional(),
};

export const progressUpdateSchema = z
  .strictObject({ taskId: idSchema, ...progressFields, attemptId: idSchema.optional() })
  .meta({ id: 'ProgressUpdate' });
export type ProgressUpdate = {
  [Field in keyof z.output<typeof progressUpdateSchema>]?:
    | z.output<typeof progressUpdateSchema>[Field]
    | undefined;
} & { taskId: string; progress: number };

export const progressRequestSchema = z
  .strictObject({ ...progressFields, attemptId: idSchema })
  .meta({ id: 'ProgressRequest' });

/**
 * Bytes of JSON: figures of an attempt, and no place for what it made. Room for a long route and the warnings of any agent:
 * refused, good work would come out as failed.
 */
const METRICS_BYTES_MAX = 262_144;

const resultFields = {
  status: z.enum(['completed', 'failed', 'blocked']),
  output: outputSchema.optional(),
  /** Why it failed, or what it is blocked by. */
  error: text(100_000).optional(),
  /** With `blocked`: what a person should answer. */
  question: text(2_000).optional(),
  /** At most 256 KB of JSON; `duration` in milliseconds. What breakers read of it is in `BreakerMetrics`; anything else may stand beside it. */
  metrics: z
    .looseObject({
      startedAt: z.union([dateTimeSchema, z.date()]).optional(),
      completedAt: z.union([dateTimeSchema, z.date()]).optional(),
      duration: z.number().min(0).optional(),
      usage: reportedUsageSchema.optional(),
    })
    .refine(
      (metrics) => bytesOf(JSON.stringify(metrics)) <= METRICS_BYTES_MAX,
      'must be at most 256 KB of JSON',
    )
    .optional(),
  artifacts: z.array(artifactSchema).max(100).optional(),
  /** With `failed`: whose fault it was; `task` and `agent` use up one of the task's attempts. Default `task`. */
  failureClass: failureClassSchema.optional(),
  timedOut: z.boolean().optional(),
  /** Should the task end without being done: what becomes of its dependents. Default: the policy of their run. */
  onPrerequisiteFailure: prerequisitePolicySchema.optional(),
};

export const completionSchema = z
  .strictObject({ ...resultFields, attemptId: idSchema.optional() })
  .meta({ id: 'Completion' });
export type Completion = {
  [Field in keyof z.output<typeof completionSchema>]?: z.output<typeof completionSchema>[Field] | undefined;
} & { status: 'completed' | 'failed' | 'blocked' };

export const completionRequestSchema = z
  .strictObject({ ...resultFields, attemptId: idSchema })
  .meta({ id: 'CompletionRequest' });

/** How an attempt ended and what became of its task. */
export const settlementSchema = z
  .object({
    taskId: z.string(),
    attemptId: z.string(),
    attemptStatus: attemptStatusSchema,
    status: taskStatusSchema,
    /** True where the same call had been answered before; nothing happened this time. */
    replayed: z.boolean(),
    settledAt: dateTimeSchema,
    /** Of a task that will be tried again: not before. */
    availableAt: dateTimeSchema.nullable(),
    /** Dependents that became TODO by this. */
    unblocked: z.array(z.string()),
  })
  .meta({ id: 'Settlement' });
export type Settlement = z.infer<typeof settlementSchema>;

/** Ends several attempts in one call; each is answered by itself. */
export const completionsRequestSchema = z
  .strictObject({
    completions: z
      .array(z.strictObject({ taskId: idSchema, ...resultFields, attemptId: idSchema }))
      .min(1)
      .max(100),
  })
  .meta({ id: 'CompletionsRequest' });

/** What came of one of several completions: exactly one of `settlement` and `problem` is there. */
export const completionOutcomeSchema = z.object({
  taskId: z.string(),
  attemptId: z.string(),
  settlement: settlementSchema.nullable(),
  /** As the call for this task alone would have been refused; nothing was changed for it then. */
  problem: problemSchema.nullable(),
});
export type CompletionOutcome = z.infer<typeof completionOutcomeSchema>;

export const completionsResponseSchema = z
  .object({ results: z.array(completionOutcomeSchema) })
  .meta({ id: 'CompletionsResponse' });

export const releaseAttemptSchema = z
  .strictObject({
    /** Not to be handed out before; left out: at once. */
    availableAt: dateTimeSchema.optional(),
    reason: text(2_000).optional(),
    /** The agents that were not to be had: when the breaker of one closes, the task need not wait for its time. */
    heldBy: z
      .array(z.strictObject({ agent: nonEmptyText(100), provider: nonEmptyText(100) }))
      .max(50)
      .optional(),
  })
  .meta({ id: 'ReleaseAttempt' });
export type ReleaseAttempt = {
  [Field in keyof z.output<typeof releaseAttemptSchema>]?:
    | z.output<typeof releaseAttemptSchema>[Field]
    | undefined;
};

export const renewalSchema = z
  .object({
    attemptId: z.string(),
    /** False: the attempt no longer owns its task; end its work. */
    owned: z.boolean(),
    leaseExpiresAt: dateTimeSchema.nullable(),
    cancelRequested: z.boolean(),
    /** It gave way in a deadlock: end its work and release it, before its lease ends, which isn't renewed any more. */
    gaveWay: z.boolean().default(false),
    /** Its run is paused or quarantined: finish what is under way, nothing new is handed out. */
    runPaused: z.boolean(),
  })
  .meta({ id: 'Renewal' });
export type Renewal = z.infer<typeof renewalSchema>;

export const cancelRequestSchema = z
  .strictObject({
    reason: text(2_000).optional(),
    onPrerequisiteFailure: prerequisitePolicySchema.optional(),
  })
  .meta({ id: 'CancelRequest' });
export const blockRequestSchema = z
  .strictObject({ reason: nonEmptyText(2_000), question: text(2_000).optional() })
  .meta({ id: 'BlockRequest' });
export const unblockRequestSchema = z
  .strictObject({ answer: text(10_000).optional() })
  .meta({ id: 'UnblockRequest' });
export const dependencyRequestSchema = z
  .strictObject({ dependsOn: idSchema })
  .meta({ id: 'DependencyRequest' });

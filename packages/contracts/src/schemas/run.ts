import { z } from 'zod';
import { idSchema } from '../ids.js';
import { dateTimeSchema, nonEmptyText, pageSizeSchema, text } from './common.js';
import { runConfigSchema, runSettingsSchema } from './runSettings.js';
import { runStatusSchema } from './vocabulary.js';

/** What changes; what is left out stays. */
export const runPatchSchema = z
  .strictObject({
    name: nonEmptyText(300).optional(),
    description: text(102_400).optional(),
    dueAt: dateTimeSchema.nullable().optional(),
    config: runSettingsSchema.optional(),
  })
  .meta({ id: 'RunPatch' });
export type RunPatch = z.output<typeof runPatchSchema>;

/** How many tasks stand where. */
export const runCountsSchema = z
  .object({
    total: z.number().int(),
    blocked: z.number().int(),
    todo: z.number().int(),
    inProgress: z.number().int(),
    merging: z.number().int(),
    done: z.number().int(),
    failed: z.number().int(),
    cancelled: z.number().int(),
  })
  .meta({ id: 'RunCounts' });
export type RunCounts = z.infer<typeof runCountsSchema>;

/** The execution of a plan. */
export const runSchema = z
  .object({
    id: z.string(),
    workspaceId: z.string(),
    /** Who does the tasks that name nobody. */
    orchestratorId: z.string().nullable(),
    name: z.string(),
    description: z.string(),
    source: z.string().nullable(),
    status: runStatusSchema,
    /** Why it is QUARANTINED, FAILED or CANCELLED. */
    reason: z.string().nullable(),
    config: runConfigSchema,
    counts: runCountsSchema,
    /** Of strict waves: the last that is open, from 0, and when it opened or will; null otherwise. */
    currentWave: z.number().int().nullable(),
    waveOpensAt: dateTimeSchema.nullable(),
    /** Since the run was started, released or retried. */
    failuresInRow: z.number().int(),
    attemptsEnded: z.number().int(),
    attemptsFailed: z.number().int(),
    dueAt: dateTimeSchema.nullable(),
    createdAt: dateTimeSchema,
    updatedAt: dateTimeSchema,
    startedAt: dateTimeSchema.nullable(),
    finishedAt: dateTimeSchema.nullable(),
    metadata: z.record(z.string(), z.json()),
  })
  .meta({ id: 'Run' });
export type Run = z.infer<typeof runSchema>;

export const runFilterSchema = z
  .strictObject({
    status: runStatusSchema.optional(),
    source: z.string().max(300).optional(),
    limit: pageSizeSchema,
    cursor: z.string().max(200).optional(),
  })
  .meta({ id: 'RunFilter' });
export type RunFilter = z.output<typeof runFilterSchema>;

export const runPageSchema = z
  .object({ runs: z.array(runSchema), nextCursor: z.string().nullable() })
  .meta({ id: 'RunPage' });
export type RunPage = z.infer<typeof runPageSchema>;

export const runRetrySchema = z
  .strictObject({
    reason: text(2_000).optional(),
    /** Only this task and whatever depends on it in the run, done or not. Left out: all that failed or was cancelled. */
    taskId: idSchema.optional(),
  })
  .meta({ id: 'RunRetry' });

export const runReasonSchema = z.strictObject({ reason: text(2_000).optional() }).meta({ id: 'RunReason' });

import { z } from 'zod';
import { backoffSchema, backoffSettingsSchema, DEFAULT_BACKOFF } from './backoff.js';
import { prerequisitePolicySchema } from './vocabulary.js';

const failureThresholdSchema = z.object({
  /** So many attempts failed one after another. */
  consecutive: z.number().int().min(1).max(1_000_000),
  /** Or this share of all attempts, of at least `minAttempts`. */
  rate: z.number().gt(0).max(1),
  minAttempts: z.number().int().min(1).max(1_000_000),
});

/** How a run is executed: all of it, so that nobody who reads one needs to know the defaults. */
export const runConfigSchema = z
  .object({
    /** Tasks in progress at once. */
    maxConcurrentTasks: z.number().int().min(1).max(1_000),
    /** Merges at once, over all daemons. */
    maxConcurrentMerges: z.number().int().min(1).max(1_000),
    /** `strict`: a wave starts when the one before is over. `off`: whatever is ready starts. */
    waves: z.enum(['off', 'strict']),
    /** With strict waves: how long after the end of a wave the next one opens. */
    waveDelaySeconds: z.number().int().min(0).max(86_400),
    /** With strict waves: agents at once, beside `maxConcurrentTasks`. */
    maxAgentsPerWave: z.number().int().min(1).max(1_000).nullable(),
    /** A completed task is MERGING until its merge is through. */
    mergeStage: z.boolean(),
    /** At the threshold of failures: go on, fail the run, or wait for a person. */
    failurePolicy: z.enum(['continue', 'stop', 'quarantine']),
    /** When a run stops handing out work because too much of it fails. */
    failureThreshold: failureThresholdSchema,
    onPrerequisiteFailure: prerequisitePolicySchema,
    /** How long its tasks wait after a failure, where they don't say so themselves. */
    backoff: backoffSchema.default(DEFAULT_BACKOFF),
    /** The run fails when it has been running for so long. */
    timeoutSeconds: z.number().int().min(1).max(31_536_000).nullable(),
  })
  .meta({ id: 'RunConfig' });
export type RunConfig = z.output<typeof runConfigSchema>;

export const DEFAULT_RUN_CONFIG: Readonly<RunConfig> = {
  maxConcurrentTasks: 3,
  maxConcurrentMerges: 1,
  waves: 'off',
  waveDelaySeconds: 0,
  maxAgentsPerWave: null,
  mergeStage: false,
  failurePolicy: 'quarantine',
  failureThreshold: { consecutive: 5, rate: 0.5, minAttempts: 10 },
  onPrerequisiteFailure: 'block',
  backoff: DEFAULT_BACKOFF,
  timeoutSeconds: null,
};

/** Some of the settings; what is left out stays, or has its default where the run is new. */
export const runSettingsSchema = z
  .strictObject({
    ...runConfigSchema.shape,
    failureThreshold: z.strictObject(failureThresholdSchema.shape).partial(),
    backoff: backoffSettingsSchema,
  })
  .partial()
  .meta({ id: 'RunSettings' });
export type RunSettings = z.output<typeof runSettingsSchema>;

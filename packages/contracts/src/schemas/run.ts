import { z } from 'zod';
import { idSchema } from '../ids.js';
import { attemptSchema } from './attempt.js';
import { dateTimeSchema, jsonSchema, metadataSchema, nonEmptyText, pageSizeSchema, text } from './common.js';
import { artifactSchema } from './context.js';
import { type NewTask, newRunTaskSchema, taskSchema } from './task.js';
import { prerequisitePolicySchema, runStatusSchema, taskStatusSchema } from './vocabulary.js';

/** When a run stops handing out work because too much of it fails. */
const failureThresholdSchema = z.strictObject({
  /** So many attempts failed one after another. */
  consecutive: z.number().int().min(1).max(1_000_000).default(5),
  /** Or this share of all attempts, of at least `minAttempts`. */
  rate: z.number().gt(0).max(1).default(0.5),
  minAttempts: z.number().int().min(1).max(1_000_000).default(10),
});

const runConfigFields = {
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
  failureThreshold: failureThresholdSchema,
  onPrerequisiteFailure: prerequisitePolicySchema,
  /** The run fails when it has been running for so long. */
  timeoutSeconds: z.number().int().min(1).max(31_536_000).nullable(),
};

/** How a run is executed. Everything may be left out. */
export const runConfigSchema = z.strictObject({
  maxConcurrentTasks: runConfigFields.maxConcurrentTasks.default(3),
  maxConcurrentMerges: runConfigFields.maxConcurrentMerges.default(1),
  waves: runConfigFields.waves.default('off'),
  waveDelaySeconds: runConfigFields.waveDelaySeconds.default(0),
  maxAgentsPerWave: runConfigFields.maxAgentsPerWave.default(null),
  mergeStage: runConfigFields.mergeStage.default(false),
  failurePolicy: runConfigFields.failurePolicy.default('quarantine'),
  failureThreshold: failureThresholdSchema.default({ consecutive: 5, rate: 0.5, minAttempts: 10 }),
  onPrerequisiteFailure: runConfigFields.onPrerequisiteFailure.default('block'),
  timeoutSeconds: runConfigFields.timeoutSeconds.default(null),
});
export type RunConfig = z.output<typeof runConfigSchema>;

/** As a run has them: all of them, so that nobody who reads one needs to know the defaults. */
const settledConfigSchema = z
  .object({
    ...runConfigFields,
    failureThreshold: z.object({
      consecutive: failureThresholdSchema.shape.consecutive.unwrap(),
      rate: failureThresholdSchema.shape.rate.unwrap(),
      minAttempts: failureThresholdSchema.shape.minAttempts.unwrap(),
    }),
  })
  .meta({ id: 'RunConfig' });

/** Some of the settings; what is left out stays, or has its default where the run is new. */
export const runSettingsSchema = z
  .strictObject({
    ...runConfigFields,
    failureThreshold: z.strictObject({
      consecutive: failureThresholdSchema.shape.consecutive.unwrap().optional(),
      rate: failureThresholdSchema.shape.rate.unwrap().optional(),
      minAttempts: failureThresholdSchema.shape.minAttempts.unwrap().optional(),
    }),
  })
  .partial()
  .meta({ id: 'RunSettings' });
export type RunSettings = z.output<typeof runSettingsSchema>;

/** What changes; what is left out stays. */
export const runPatchSchema = z
  .strictObject({
    name: nonEmptyText(300).optional(),
    description: text(102_400).optional(),
    dueAt: dateTimeSchema.nullable().optional(),
    config: runSettingsSchema.optional(),
  })
  .meta({ id: 'RunPatch' });
export type RunPatch =
  z.input<typeof runPatchSchema> extends infer _ ? z.output<typeof runPatchSchema> : never;

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
    config: settledConfigSchema,
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

const planFields = {
  name: nonEmptyText(300),
  description: text(102_400).default(''),
  orchestratorId: idSchema.nullable().default(null),
  /** Where it comes from: a second import of the same source updates the run instead of making another. */
  source: nonEmptyText(300).nullable().default(null),
  /** The tasks that have no due date inherit it. */
  dueAt: dateTimeSchema.nullable().default(null),
  config: runSettingsSchema.default({}),
  metadata: metadataSchema.default({}),
};

/** A run with its tasks. `dependsOn` and `parentId` name tasks of the call by their `key`, others by id. */
export const newRunSchema = z
  .strictObject({ ...planFields, tasks: z.array(newRunTaskSchema).max(20_000).default([]) })
  .meta({ id: 'NewRun' });
/** What a caller writes: fields with a default may be left out. */
export type NewRun = Partial<Omit<z.output<typeof newRunSchema>, 'tasks' | 'config'>> & {
  name: string;
  config?: RunSettings | undefined;
  tasks?: readonly NewTask[] | undefined;
};
export type ParsedNewRun = z.output<typeof newRunSchema>;

/** A plan to be stored as a run, or compared with the run of the same source. */
export const planImportRequestSchema = z
  .strictObject({
    ...planFields,
    source: nonEmptyText(300),
    /** Each with its `sourceId`, by which it is found again; `key` is the same where it is left out. */
    tasks: z.array(newRunTaskSchema).min(1).max(20_000),
    /** Say what would happen, and change nothing. */
    dryRun: z.boolean().default(false),
    /** Start the run when it is stored. */
    start: z.boolean().default(false),
  })
  .meta({ id: 'PlanImportRequest' });
export type PlanImport = Omit<NewRun, 'source'> & {
  source: string;
  dryRun?: boolean | undefined;
  start?: boolean | undefined;
};

const plannedTaskSchema = z.object({
  taskId: z.string().nullable(),
  sourceId: z.string(),
  title: z.string(),
});

/** What an import did, or would do. */
export const planImportResultSchema = z
  .object({
    /** Null: a dry run of a plan that is not stored yet. */
    run: runSchema.nullable(),
    dryRun: z.boolean(),
    created: z.array(plannedTaskSchema),
    /** With the names of what differed. */
    updated: z.array(plannedTaskSchema.extend({ changes: z.array(z.string()) })),
    unchanged: z.number().int(),
    /** In the run, but not in the plan any more: left as they are. */
    removed: z.array(plannedTaskSchema),
    /** What the plan says and the engine can't do any more, because the task has begun or is over. */
    refused: z.array(plannedTaskSchema.extend({ reason: z.string() })),
  })
  .meta({ id: 'PlanImportResult' });
export type PlanImportResult = z.infer<typeof planImportResultSchema>;

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

export const runReasonSchema = z.strictObject({ reason: text(2_000).optional() }).meta({ id: 'RunReason' });

/** How far a run is, and when it may be over. */
export const runProgressSchema = z
  .object({
    runId: z.string(),
    status: runStatusSchema,
    at: dateTimeSchema,
    counts: runCountsSchema,
    /** 0 to 100: of the estimated work, what is DONE; of work in progress the share that was reported. Cancelled tasks don't count. */
    percent: z.number(),
    /** Seconds of work, by estimates: of everything that counts, and of what is done. */
    plannedSeconds: z.number(),
    doneSeconds: z.number(),
    currentWave: z.number().int(),
    waveCount: z.number().int(),
    waves: z.array(
      z.object({
        wave: z.number().int(),
        total: z.number().int(),
        live: z.number().int(),
        blocked: z.number().int(),
      }),
    ),
    running: z.array(
      z.object({
        taskId: z.string(),
        title: z.string(),
        attemptId: z.string(),
        status: taskStatusSchema,
        progress: z.number().int(),
        since: dateTimeSchema,
      }),
    ),
    /** What the run waits for where nothing is handed out or started, as sentences for a person. */
    waitingFor: z.array(z.string()),
    eta: z
      .object({
        at: dateTimeSchema,
        seconds: z.number(),
        /** Which bound decides: the longest chain of what is left, or its amount over the slots. */
        bound: z.enum(['critical-path', 'slots']),
        /** Where the durations come from: how many tasks by their estimate, by the median of what was measured, by the default. */
        estimated: z.number().int(),
        measured: z.number().int(),
        assumed: z.number().int(),
        /** The median duration of the run's finished tasks, in seconds; null while there is none. */
        medianSeconds: z.number().nullable(),
        explanation: z.string(),
      })
      .nullable(),
  })
  .meta({ id: 'RunProgress' });
export type RunProgress = z.infer<typeof runProgressSchema>;

/** A task as the graph of a run shows it. */
export const runTaskSchema = z
  .object({
    id: z.string(),
    title: z.string(),
    sourceId: z.string().nullable(),
    parentId: z.string().nullable(),
    orchestratorId: z.string().nullable(),
    status: taskStatusSchema,
    priority: taskSchema.shape.priority,
    wave: z.number().int(),
    progress: z.number().int(),
    estimateMinutes: z.number().int().nullable(),
    dueAt: dateTimeSchema.nullable(),
    blockedReason: z.string().nullable(),
    tags: z.array(z.string()),
    /** On the longest chain of what is left, and by how much it may be late without delaying the end. */
    critical: z.boolean(),
    slackSeconds: z.number(),
  })
  .meta({ id: 'RunTask' });
export type RunTask = z.infer<typeof runTaskSchema>;

/** The whole run in one consistent read. Following the events from `cursor` on misses nothing; what is told twice is the same. */
export const runSnapshotSchema = z
  .object({
    run: runSchema,
    at: dateTimeSchema,
    cursor: z.string(),
    tasks: z.array(runTaskSchema),
    /** `[dependent, prerequisite]`, both by their place in `tasks`. */
    edges: z.array(z.tuple([z.number().int(), z.number().int()])),
    /** Prerequisites outside of the run. */
    outside: z.array(z.object({ taskId: z.string(), dependsOn: z.string(), status: taskStatusSchema })),
    /** Ids by wave. */
    waves: z.array(z.array(z.string())),
    criticalPath: z.object({ taskIds: z.array(z.string()), seconds: z.number() }),
    /** Live attempts. */
    assignments: z.array(attemptSchema),
    /** In order of the merge queue. */
    mergeQueue: z.array(
      z.object({
        taskId: z.string(),
        attemptId: z.string(),
        readyAt: dateTimeSchema,
        grantedAt: dateTimeSchema.nullable(),
      }),
    ),
  })
  .meta({ id: 'RunSnapshot' });
export type RunSnapshot = z.infer<typeof runSnapshotSchema>;

export const runHistoryQuerySchema = z
  .strictObject({ limit: pageSizeSchema, cursor: z.string().max(200).optional() })
  .meta({ id: 'RunHistoryQuery' });

export const runGraphQuerySchema = z
  .strictObject({ format: z.enum(['json', 'dot', 'mermaid', 'plan']).default('json') })
  .meta({ id: 'RunGraphQuery' });

/** The graph of a run in the form asked for; `text` is the drawing, or the plan as JSON. */
export const runGraphSchema = z
  .object({
    runId: z.string(),
    format: z.enum(['json', 'dot', 'mermaid', 'plan']),
    text: z.string().nullable(),
    graph: z
      .object({
        tasks: z.array(runTaskSchema),
        edges: z.array(z.tuple([z.number().int(), z.number().int()])),
        waves: z.array(z.array(z.string())),
        criticalPath: z.object({ taskIds: z.array(z.string()), seconds: z.number() }),
        /** Oddities of the graph, as sentences for a person. */
        diagnosis: z.array(z.object({ code: z.string(), message: z.string(), taskIds: z.array(z.string()) })),
      })
      .nullable(),
  })
  .meta({ id: 'RunGraph' });
export type RunGraph = z.infer<typeof runGraphSchema>;

/** What an attempt is told that asks for its run's merge slot. */
export const mergeTurnSchema = z
  .object({
    taskId: z.string(),
    attemptId: z.string(),
    granted: z.boolean(),
    grantedAt: dateTimeSchema.nullable(),
    /** How many merges have to end before its turn; 0 when it is granted. */
    place: z.number().int(),
    /** Then end the attempt instead; no slot will be granted. */
    cancelRequested: z.boolean(),
  })
  .meta({ id: 'MergeTurn' });
export type MergeTurn = z.infer<typeof mergeTurnSchema>;

export const mergeRequestSchema = z
  .strictObject({
    /** How long to wait for the slot, in seconds. */
    waitSeconds: z.number().min(0).max(25).default(0),
  })
  .meta({ id: 'MergeRequest' });

export const mergedRequestSchema = z
  .strictObject({
    /** What the merge brought, such as its commit; takes the place of the output of the code. */
    output: jsonSchema.optional(),
    artifacts: z.array(artifactSchema).max(100).optional(),
  })
  .meta({ id: 'MergedRequest' });
export type MergedReport = z.output<typeof mergedRequestSchema>;

export const mergeFailedRequestSchema = z
  .strictObject({ error: nonEmptyText(100_000) })
  .meta({ id: 'MergeFailedRequest' });

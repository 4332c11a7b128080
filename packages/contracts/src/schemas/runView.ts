import { z } from 'zod';
import { attemptSchema } from './attempt.js';
import { dateTimeSchema, pageSizeSchema } from './common.js';
import { runCountsSchema, runSchema } from './run.js';
import { taskSchema } from './task.js';
import { usageSumSchema } from './usage.js';
import { runStatusSchema, taskStatusSchema } from './vocabulary.js';

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
    /** What the attempts of the run that have ended used up; null where none told it. */
    usage: usageSumSchema.nullable(),
    /** Null: it is over, nothing is left, or it waits for a person (paused, quarantined). */
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
    /** As in the run's progress. */
    usage: usageSumSchema.nullable(),
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

import { z } from 'zod';
import { idSchema } from '../ids.js';
import { dateTimeSchema, metadataSchema, nonEmptyText, text } from './common.js';
import { runSchema } from './run.js';
import { type RunSettings, runSettingsSchema } from './runSettings.js';
import { type NewTask, newRunTaskSchema } from './task.js';

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

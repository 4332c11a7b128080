import { z } from 'zod';
import { idSchema } from '../ids.js';
import { dateTimeSchema, pageSizeSchema, text } from './common.js';
import { taskSchema } from './task.js';
import { failureClassSchema } from './vocabulary.js';

/** Which of its budgets a task has spent: its own attempts, or those of faults that are nobody's fault of the task. */
export const SPENT_BUDGETS = ['attempts', 'provider', 'infrastructure', 'lost'] as const;
export const spentBudgetSchema = z.enum(SPENT_BUDGETS).meta({ id: 'SpentBudget' });
export type SpentBudget = z.infer<typeof spentBudgetSchema>;

/** A task that is parked: FAILED, until somebody retries it. Its whole history is with the task and its events. */
export const deadLetterSchema = z
  .object({
    task: taskSchema,
    /** Null where it was given up while there was budget left. */
    spent: spentBudgetSchema.nullable(),
    /** Why its last attempt failed. */
    reason: z.string().nullable(),
    failureClass: failureClassSchema.nullable(),
    agent: z.string().nullable(),
    parkedAt: dateTimeSchema,
  })
  .meta({ id: 'DeadLetter' });
export type DeadLetter = z.infer<typeof deadLetterSchema>;

const filterFields = { runId: idSchema.optional(), orchestratorId: idSchema.optional() };

export const deadLetterFilterSchema = z
  .strictObject({
    ...filterFields,
    limit: pageSizeSchema,
    /** The `nextCursor` of the page before. */
    cursor: z.string().max(200).optional(),
  })
  .meta({ id: 'DeadLetterFilter' });
export type DeadLetterFilter = z.output<typeof deadLetterFilterSchema>;

export const deadLetterPageSchema = z
  .object({ deadLetters: z.array(deadLetterSchema), nextCursor: z.string().nullable() })
  .meta({ id: 'DeadLetterPage' });
export type DeadLetterPage = z.infer<typeof deadLetterPageSchema>;

/** The most that are redriven by one call. */
export const REDRIVE_MAX = 500;

/** Which dead letters to redrive: these, or all that a filter finds; `all` says that no filter is meant. */
export const redriveRequestSchema = z
  .strictObject({
    taskIds: z.array(idSchema).min(1).max(REDRIVE_MAX).optional(),
    ...filterFields,
    all: z.literal(true).optional(),
  })
  .refine(
    ({ taskIds, runId, orchestratorId, all }) =>
      taskIds === undefined
        ? (all === true) !== (runId !== undefined || orchestratorId !== undefined)
        : all === undefined && runId === undefined && orchestratorId === undefined,
    { path: ['taskIds'], error: 'name either taskIds, or a runId or orchestratorId, or all: true' },
  )
  .meta({ id: 'RedriveRequest' });
export type RedriveRequest = {
  [Field in keyof z.output<typeof redriveRequestSchema>]?:
    | z.output<typeof redriveRequestSchema>[Field]
    | undefined;
};

export const redriveResultSchema = z
  .object({
    /** Tasks that have another chance now. */
    redriven: z.array(z.string()),
    /** Tasks that stay as they are, and why. */
    refused: z.array(z.object({ taskId: z.string(), code: text(100), message: z.string() })),
    /** More are left than one call redrives. */
    more: z.boolean(),
  })
  .meta({ id: 'RedriveResult' });
export type RedriveResult = z.infer<typeof redriveResultSchema>;

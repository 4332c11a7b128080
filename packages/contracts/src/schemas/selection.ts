import { z } from 'zod';
import { idSchema } from '../ids.js';
import { tagsSchema } from './common.js';
import { taskSchema } from './task.js';
import { nothingReasonSchema, taskPrioritySchema, taskStatusSchema } from './vocabulary.js';

/** Which of an orchestrator's tasks may be selected. Left out: all of them. */
export const criteriaSchema = z
  .strictObject({
    /** All of these tags. */
    requireTags: tagsSchema.optional(),
    /** None of these tags. */
    excludeTags: tagsSchema.optional(),
    /** At least this urgent: `MEDIUM` admits MEDIUM, HIGH and CRITICAL. */
    minPriority: taskPrioritySchema.optional(),
    /** At most this urgent. */
    maxPriority: taskPrioritySchema.optional(),
    /** Only tasks of this run; `none`: only those that are in no run. */
    runId: idSchema.optional(),
    excludeTaskIds: z.array(idSchema).max(1_000).optional(),
    /** The length of a ranking; it never narrows what is considered. */
    limit: z.number().int().min(1).max(500).optional(),
  })
  .meta({ id: 'Criteria' });
/** A field may be given as `undefined`, which says the same as leaving it out. */
export type Criteria = {
  [Field in keyof z.output<typeof criteriaSchema>]?: z.output<typeof criteriaSchema>[Field] | undefined;
};

/** How a score came about: `score = weight × boost`. */
export const scoreSchema = z
  .object({ weight: z.number(), boost: z.number(), score: z.number() })
  .meta({ id: 'Score' });
export type Score = z.infer<typeof scoreSchema>;

export const rankedTaskSchema = z
  .object({ rank: z.number().int(), task: taskSchema, ...scoreSchema.shape })
  .meta({ id: 'RankedTask' });
export type RankedTask = z.infer<typeof rankedTaskSchema>;

export const rankingSchema = z
  .object({
    ranking: z.array(rankedTaskSchema),
    /** Why nothing would be handed out now, or null where the first of the ranking would be. */
    reason: nothingReasonSchema.nullable(),
  })
  .meta({ id: 'Ranking' });
export type Ranking = z.infer<typeof rankingSchema>;

/** Why a task is not the next one. */
export const WHY_NOT = [
  'OTHER_ORCHESTRATOR',
  'UNASSIGNED',
  'BLOCKED_BY_DEPENDENCIES',
  'BLOCKED_BY_REPORT',
  'NOT_YET_AVAILABLE',
  'RUN_NOT_RUNNING',
  'RUN_AT_CAPACITY',
  'WAVE_NOT_OPEN',
  'WAITS_FOR_RESOURCES',
  'RUNNING',
  'FINISHED',
  'EXCLUDED_BY_CRITERIA',
  'ORCHESTRATOR_NOT_AVAILABLE',
  'AT_CAPACITY',
  'OTHERS_SCORE_HIGHER',
] as const;
export const whyNotSchema = z.object({ code: z.enum(WHY_NOT), message: z.string() }).meta({ id: 'WhyNot' });
export type WhyNot = z.infer<typeof whyNotSchema>;

export const selectionExplanationSchema = z
  .object({
    orchestratorId: z.string(),
    at: z.string(),
    runningTasks: z.number().int(),
    maxConcurrentTasks: z.number().int(),
    /** The task that would be selected now. */
    selected: rankedTaskSchema.nullable(),
    /** A sentence for a person: why it, or why nothing. */
    because: z.string(),
    /** Of the task that was asked about. */
    asked: z
      .object({
        taskId: z.string(),
        status: taskStatusSchema,
        score: scoreSchema.nullable(),
        /** How many claimable tasks come before it; null where it is not claimable itself. */
        ahead: z.number().int().nullable(),
        /** Empty where it is the selected one. */
        whyNot: z.array(whyNotSchema),
      })
      .nullable(),
  })
  .meta({ id: 'SelectionExplanation' });
export type SelectionExplanation = z.infer<typeof selectionExplanationSchema>;

import { z } from 'zod';
import { dateTimeSchema } from './common.js';
import { backlogSchema } from './orchestrator.js';
import { usageSumSchema } from './usage.js';
import { TASK_PRIORITIES } from './vocabulary.js';

const outcomes = { completed: z.number().int(), failed: z.number().int(), cancelled: z.number().int() };

/**
 * Statistics of one orchestrator over [start, end): tasks whose final event lies in the range, credited to the
 * orchestrator that held them last. Rates are percentages, times are seconds; null where there is nothing to divide by.
 */
export const executionStatsSchema = z
  .object({
    orchestratorId: z.string(),
    range: z.object({ start: dateTimeSchema, end: dateTimeSchema, timeZone: z.string() }),
    ...outcomes,
    /** DONE / (DONE + FAILED) × 100. */
    successRate: z.number().nullable(),
    /** Last claim to the final event, over DONE tasks. */
    averageCompletionTime: z.number().nullable(),
    p50CompletionTime: z.number().nullable(),
    p95CompletionTime: z.number().nullable(),
    /** DONE with finishedAt ≤ dueAt, of those DONE that had a due date. */
    onTimeRate: z.number().nullable(),
    /** Attempts beyond the first, over all finished tasks of the range. */
    retries: z.number().int(),
    /** What its attempts that ended in the range used up, whatever became of them; null where none told it. */
    usage: usageSumSchema.nullable(),
    byPriority: z.object(
      Object.fromEntries(TASK_PRIORITIES.map((priority) => [priority, z.object(outcomes)])) as Record<
        (typeof TASK_PRIORITIES)[number],
        z.ZodObject<typeof outcomes>
      >,
    ),
    /** Every day of the range in the orchestrator's time zone, oldest first; days without work are zeros. */
    byDay: z.array(z.object({ date: z.string(), ...outcomes })),
    /** The three that follow are as of now. */
    blocked: z.number().int(),
    inProgress: z.number().int(),
    backlog: backlogSchema,
  })
  .meta({ id: 'ExecutionStats' });
export type ExecutionStats = z.infer<typeof executionStatsSchema>;

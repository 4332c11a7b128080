import { z } from 'zod';
import { dateTimeSchema, jsonSchema } from './common.js';
import { routeSchema } from './route.js';
import { attemptUsageSchema } from './usage.js';
import { attemptStatusSchema, failureClassSchema } from './vocabulary.js';

/** One try at a task by one daemon. Its id is the fencing token; while RUNNING it holds the lease. */
export const attemptSchema = z
  .object({
    id: z.string(),
    taskId: z.string(),
    orchestratorId: z.string(),
    daemonId: z.string().nullable(),
    /** 1 for the first. */
    number: z.number().int(),
    agent: z.string().nullable(),
    status: attemptStatusSchema,
    claimedAt: dateTimeSchema,
    endedAt: dateTimeSchema.nullable(),
    /** Until when it owns the task; null when it ended, or when it never runs out. */
    leaseExpiresAt: dateTimeSchema.nullable(),
    cancelRequestedAt: dateTimeSchema.nullable(),
    failureClass: failureClassSchema.nullable(),
    error: z.string().nullable(),
    metrics: jsonSchema.nullable(),
    /** What it has used up, as it told at its end; null where it told nothing. */
    usage: attemptUsageSchema.nullable(),
    /** Why this agent; left out where no decision was stored, and of attempts in lists that still run. */
    route: routeSchema.optional(),
  })
  .meta({ id: 'Attempt' });
export type Attempt = z.infer<typeof attemptSchema>;

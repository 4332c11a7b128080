import { z } from 'zod';
import { dateTimeSchema } from './common.js';
import { taskResultSchema, taskSchema } from './task.js';
import {
  attemptStatusSchema,
  failureClassSchema,
  taskPrioritySchema,
  taskStatusSchema,
} from './vocabulary.js';

export const charterSchema = z
  .object({
    mission: z.string().nullable(),
    vision: z.string().nullable(),
    values: z.array(z.string()),
    expertise: z.array(z.string()),
  })
  .meta({ id: 'Charter' });
export type Charter = z.infer<typeof charterSchema>;

/** Everything an agent needs to do a task. */
export const taskExecutionContextSchema = z
  .object({
    task: taskSchema,
    orchestrator: z.object({
      id: z.string(),
      name: z.string(),
      role: z.string(),
      discipline: z.string(),
      capabilities: z.array(z.string()),
      daemonEndpoint: z.string().nullable(),
    }),
    charter: charterSchema,
    dependencies: z.array(
      z.object({
        taskId: z.string(),
        title: z.string(),
        status: taskStatusSchema,
        finishedAt: dateTimeSchema.nullable(),
        result: taskResultSchema.nullable(),
      }),
    ),
    /** At most 10, nearest first: parent, children and siblings, then tasks that share tags. Never their description. */
    relatedTasks: z.array(
      z.object({
        taskId: z.string(),
        title: z.string(),
        status: taskStatusSchema,
        priority: taskPrioritySchema,
        relation: z.enum(['parent', 'child', 'sibling', 'tags']),
        sharedTags: z.array(z.string()),
      }),
    ),
    /** How earlier attempts at this task ended, newest first, at most 5. */
    previousAttempts: z.array(
      z.object({
        number: z.number().int(),
        status: attemptStatusSchema,
        error: z.string().nullable(),
        /** Who made it; null: it isn't known. */
        agent: z.string().nullable().default(null),
        /** Of one that failed: whose fault it was. */
        failureClass: failureClassSchema.nullable().default(null),
      }),
    ),
    workspace: z.object({ id: z.string(), slug: z.string(), name: z.string() }),
    channel: z.object({ id: z.string(), name: z.string(), purpose: z.string().nullable() }).nullable(),
  })
  .meta({ id: 'TaskExecutionContext' });
export type TaskExecutionContext = z.infer<typeof taskExecutionContextSchema>;

export const artifactSchema = z
  .strictObject({ type: z.string().min(1).max(100), content: z.string().max(1_000_000) })
  .meta({ id: 'Artifact' });
export type Artifact = z.infer<typeof artifactSchema>;

import { z } from 'zod';
import { attemptSchema } from './attempt.js';
import { dateTimeSchema, nonEmptyText, text } from './common.js';
import { charterSchema } from './context.js';
import { taskReferenceSchema } from './task.js';
import { orchestratorStatusSchema, TASK_PRIORITIES } from './vocabulary.js';

/** An IANA time zone that this runtime knows. */
export const timeZoneSchema = z
  .string()
  .max(100)
  .refine((zone) => {
    try {
      new Intl.DateTimeFormat('en', { timeZone: zone });
      return !/^[+-]/.test(zone);
    } catch {
      return false;
    }
  }, 'must be an IANA time zone such as Europe/Berlin');

export const orchestratorSchema = z
  .object({
    id: z.string(),
    workspaceId: z.string(),
    userId: z.string(),
    name: z.string(),
    role: z.string(),
    discipline: z.string(),
    capabilities: z.array(z.string()),
    status: orchestratorStatusSchema,
    daemonEndpoint: z.string().nullable(),
    maxConcurrentTasks: z.number().int(),
    timeZone: z.string(),
    createdAt: dateTimeSchema,
    updatedAt: dateTimeSchema,
  })
  .meta({ id: 'Orchestrator' });
export type Orchestrator = z.infer<typeof orchestratorSchema>;

const charterInput = z.strictObject({
  mission: text(5_000).nullable().default(null),
  vision: text(5_000).nullable().default(null),
  values: z.array(nonEmptyText(500)).max(50).default([]),
  expertise: z.array(nonEmptyText(500)).max(50).default([]),
});

const fields = {
  name: nonEmptyText(100),
  role: nonEmptyText(200),
  discipline: nonEmptyText(200),
  capabilities: z.array(nonEmptyText(100)).max(100),
  status: orchestratorStatusSchema,
  daemonEndpoint: text(500).nullable(),
  maxConcurrentTasks: z.number().int().min(1).max(1_000),
  timeZone: timeZoneSchema,
  charter: charterInput,
};

/** A new orchestrator; the user account behind it is made with it and holds the charter. */
export const newOrchestratorSchema = z
  .strictObject({
    ...fields,
    capabilities: fields.capabilities.default([]),
    status: fields.status.default('ONLINE'),
    daemonEndpoint: fields.daemonEndpoint.default(null),
    maxConcurrentTasks: fields.maxConcurrentTasks.default(3),
    timeZone: fields.timeZone.default('UTC'),
    charter: charterInput.optional(),
  })
  .meta({ id: 'NewOrchestrator' });
export type NewOrchestrator = z.input<typeof newOrchestratorSchema>;

export const orchestratorPatchSchema = z
  .strictObject({
    name: fields.name.optional(),
    role: fields.role.optional(),
    discipline: fields.discipline.optional(),
    capabilities: fields.capabilities.optional(),
    status: fields.status.optional(),
    daemonEndpoint: fields.daemonEndpoint.optional(),
    maxConcurrentTasks: fields.maxConcurrentTasks.optional(),
    timeZone: fields.timeZone.optional(),
    charter: charterInput.optional(),
  })
  .meta({ id: 'OrchestratorPatch' });
export type OrchestratorPatch = z.output<typeof orchestratorPatchSchema>;

export const orchestratorDetailSchema = orchestratorSchema
  .extend({ charter: charterSchema })
  .meta({ id: 'OrchestratorDetail' });
export type OrchestratorDetail = z.infer<typeof orchestratorDetailSchema>;

export const orchestratorListSchema = z
  .object({ orchestrators: z.array(orchestratorSchema) })
  .meta({ id: 'OrchestratorList' });

const perPriority = z.object(
  Object.fromEntries(TASK_PRIORITIES.map((priority) => [priority, z.number().int()])) as Record<
    (typeof TASK_PRIORITIES)[number],
    z.ZodNumber
  >,
);

/** Open work that nobody is at: TODO and BLOCKED. */
export const backlogSchema = z
  .object({
    total: z.number().int(),
    ready: z.number().int(),
    delayed: z.number().int(),
    blocked: z.number().int(),
    byPriority: perPriority,
  })
  .meta({ id: 'Backlog' });
export type Backlog = z.infer<typeof backlogSchema>;

/** One line of the dashboard. Rates and times are of the last 7 days. */
export const orchestratorOverviewSchema = z
  .object({
    orchestrator: orchestratorSchema,
    /** A daemon that serves it was heard within the last 60 seconds. */
    daemonAlive: z.boolean(),
    running: z.array(
      z.object({
        task: taskReferenceSchema,
        attempt: attemptSchema,
        progress: z.number().int(),
        progressMessage: z.string().nullable(),
      }),
    ),
    backlog: backlogSchema,
    successRate: z.number().nullable(),
    /** Seconds. */
    averageCompletionTime: z.number().nullable(),
    /** Oldest first, one entry a day of the orchestrator's time zone, today last. */
    throughput: z.array(
      z.object({ date: z.string(), completed: z.number().int(), failed: z.number().int() }),
    ),
  })
  .meta({ id: 'OrchestratorOverview' });
export type OrchestratorOverview = z.infer<typeof orchestratorOverviewSchema>;

export const overviewSchema = z
  .object({
    orchestrators: z.array(orchestratorOverviewSchema),
    /** Open tasks that belong to nobody. */
    unassigned: z.number().int(),
    /** Where to follow the event stream from, so that nothing between this answer and the first event is missed. */
    cursor: z.string(),
  })
  .meta({ id: 'Overview' });
export type Overview = z.infer<typeof overviewSchema>;

export const attemptPageSchema = z
  .object({
    attempts: z.array(attemptSchema.extend({ taskTitle: z.string() })),
    nextCursor: z.string().nullable(),
  })
  .meta({ id: 'AttemptPage' });
export type AttemptPage = z.infer<typeof attemptPageSchema>;

import { z } from 'zod';
import { dateTimeSchema, nonEmptyText, text } from './common.js';

/**
 * How one of several agents is chosen: `fixed` the first that may be used, `round_robin` one after the other, `auto` by what
 * was measured of them.
 */
export const ROUTE_STRATEGIES = ['fixed', 'round_robin', 'auto'] as const;
export type RouteStrategy = (typeof ROUTE_STRATEGIES)[number];

/**
 * What a decision says of an agent it looked at: `chosen`; `next` in line; `waiting` (the strategy gave another one first);
 * `held` by its breaker; `busy`, as many run as may; `absent`, not to be had where the daemon is.
 */
export const CANDIDATE_STATES = ['chosen', 'next', 'waiting', 'held', 'busy', 'absent'] as const;
export type CandidateState = (typeof CANDIDATE_STATES)[number];

const routeFields = {
  /** Null: none may do it now, and the task is given back. */
  agent: nonEmptyText(100).nullable(),
  /** Whose service it needs. */
  provider: nonEmptyText(100).nullable(),
  /** Null: the agent's own default. */
  model: text(200).nullable(),
  /** The name of the rule that gave the agent; null: the defaults. */
  rule: text(200).nullable(),
  strategy: z.enum(ROUTE_STRATEGIES),
  /** What kind of work the daemon takes the task for. */
  taskType: nonEmptyText(50),
  complexity: nonEmptyText(50),
  /** How sure the choice is, from 0 to 1. */
  confidence: z.number().min(0).max(1),
  /** A sentence for people. */
  reason: text(2_000),
  /** In the order in which they were wanted. */
  candidates: z
    .array(z.object({ agent: nonEmptyText(100), state: z.enum(CANDIDATE_STATES), reason: text(500) }))
    .max(50),
};

/** The decision which agent takes a task, with everything it was made from. */
export const routeSchema = z.object(routeFields).meta({ id: 'Route' });
export type Route = z.infer<typeof routeSchema>;

export const routeRequestSchema = z.strictObject(routeFields).meta({ id: 'RouteRequest' });

/** What the metrics of an attempt say of its route; null where they say none that can be read. Pure. */
export function routeOfMetrics(metrics: unknown): Route | null {
  if (typeof metrics !== 'object' || metrics === null || !('route' in metrics)) return null;
  const result = routeSchema.safeParse(metrics.route);
  return result.success ? result.data : null;
}

export const agentFiguresQuerySchema = z.object({
  /** Attempts that ended within so many days are looked at; of each orchestrator the last few hundred. */
  days: z.coerce.number().int().min(1).max(90).default(30),
});

/** What the attempts of late say of one agent at one type of task. */
export const agentFigureSchema = z
  .object({
    agent: z.string(),
    /** Null: attempts that were not routed. */
    taskType: z.string().nullable(),
    /** Those that say something of the agent: not what was cancelled or lost, nor a provider's or a machine's fault. */
    attempts: z.number().int(),
    successes: z.number().int(),
    /** With those whose merge failed. */
    failures: z.number().int(),
    /**
     * The same, each attempt counting less by a fiftieth with every later one at that type of task, whoever made it: what
     * `auto` chooses by.
     */
    recentSuccesses: z.number(),
    recentFailures: z.number(),
    /** Of the agent alone, in milliseconds, with the same weights; null where none told it. */
    averageDurationMs: z.number().nullable(),
    /** In US dollars; null where none told it. */
    averageCostUsd: z.number().nullable(),
    lastEndedAt: dateTimeSchema,
  })
  .meta({ id: 'AgentFigure' });
export type AgentFigure = z.infer<typeof agentFigureSchema>;

export const agentFiguresSchema = z
  .object({ since: dateTimeSchema, figures: z.array(agentFigureSchema) })
  .meta({ id: 'AgentFigures' });
export type AgentFigures = z.infer<typeof agentFiguresSchema>;

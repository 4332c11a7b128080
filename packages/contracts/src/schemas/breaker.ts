import { z } from 'zod';
import { idSchema } from '../ids.js';
import { dateTimeSchema, nonEmptyText, text } from './common.js';

/** `closed` lets work through, `open` lets none through, `half_open` lets one attempt through to see. */
export const BREAKER_STATUSES = ['closed', 'open', 'half_open'] as const;
export const breakerStatusSchema = z.enum(BREAKER_STATUSES).meta({ id: 'BreakerStatus' });
export type BreakerStatus = z.infer<typeof breakerStatusSchema>;

/** The provider of those that have told none. */
export const UNKNOWN_PROVIDER = 'default';

const nameFields = { agent: nonEmptyText(100), provider: nonEmptyText(100) };

/** What stands between the fleet and one agent with one provider, in one workspace. */
export const breakerSchema = z
  .object({
    agent: z.string(),
    provider: z.string(),
    status: breakerStatusSchema,
    /** A person holds it there; null: it moves by itself. */
    forced: z.enum(['open', 'closed']).nullable(),
    /** Why it stands as it does. */
    reason: z.string().nullable(),
    changedAt: dateTimeSchema,
    /** Not tried again before; null where it isn't open, or is held open for good. */
    openUntil: dateTimeSchema.nullable(),
    /** How many times in a row it opened without a success between. */
    trips: z.number().int(),
    /** The one attempt that is let through while it is half-open. */
    probeAttemptId: z.string().nullable(),
  })
  .meta({ id: 'Breaker' });
export type Breaker = z.infer<typeof breakerSchema>;

export const breakerListSchema = z.object({ breakers: z.array(breakerSchema) }).meta({ id: 'BreakerList' });

/** What a daemon is told of a breaker that isn't closed: ask for a permit before using that agent. */
export const heldAgentSchema = z
  .object({ agent: z.string(), provider: z.string(), openUntil: dateTimeSchema.nullable() })
  .meta({ id: 'HeldAgent' });
export type HeldAgent = z.infer<typeof heldAgentSchema>;

export const permitRequestSchema = z
  .strictObject({
    ...nameFields,
    provider: nameFields.provider.default(UNKNOWN_PROVIDER),
    attemptId: idSchema,
  })
  .meta({ id: 'PermitRequest' });
export type PermitRequest = z.input<typeof permitRequestSchema>;

export const permitSchema = z
  .object({
    granted: z.boolean(),
    /** The attempt is the one that shows whether the agent works again: say so in its metrics (`probe: true`). */
    probe: z.boolean(),
    status: breakerStatusSchema,
    reason: z.string().nullable(),
    /** Where it isn't granted: when to ask again at the earliest. */
    retryAt: dateTimeSchema.nullable(),
  })
  .meta({ id: 'Permit' });
export type Permit = z.infer<typeof permitSchema>;

export const forceBreakerSchema = z
  .strictObject({
    ...nameFields,
    provider: nameFields.provider.default(UNKNOWN_PROVIDER),
    to: z.enum(['open', 'closed']),
    /** Kept with the breaker and its event. */
    reason: text(2_000).optional(),
    /** With `open`: then it is tried again by itself. Left out: held until it is released. */
    until: dateTimeSchema.optional(),
  })
  .meta({ id: 'ForceBreaker' });
export type ForceBreaker = z.output<typeof forceBreakerSchema>;

export const releaseBreakerSchema = z
  .strictObject({
    ...nameFields,
    provider: nameFields.provider.default(UNKNOWN_PROVIDER),
    reason: text(2_000).optional(),
  })
  .meta({ id: 'ReleaseBreaker' });
export type ReleaseBreaker = z.output<typeof releaseBreakerSchema>;

/** A duration in seconds as ISO 8601 writes it: `PT90S`, `PT1.5S`. */
const secondsSchema = z
  .string()
  .regex(/^PT\d{1,9}(?:\.\d{1,9})?S$/)
  .transform((duration) => Number(duration.slice(2, -1)));

const breakerMetricsSchema = z.looseObject({
  agent: nameFields.agent.optional().catch(undefined),
  provider: nameFields.provider.optional().catch(undefined),
  resetAt: z.union([dateTimeSchema, z.date(), secondsSchema]).optional().catch(undefined),
  probe: z.boolean().optional().catch(undefined),
  reusedFrom: z.unknown().optional(),
  mergedBefore: z.unknown().optional(),
});

/** What breakers read of an attempt's metrics, which may hold anything: what can't be read counts as not told. */
export interface BreakerMetrics {
  /** Who did it; with a failure, whose breaker it counts against. */
  agent: string | null;
  /** Whose model it used. */
  provider: string | null;
  /** That agent is not to be tried again before: a time that the provider named. */
  resetAt: Date | null;
  /** Or for so many seconds from the end of the attempt: told so, no clock but the database's has a part in it. */
  resetInSeconds: number | null;
  /** A breaker that was half-open let it through. */
  probe: boolean;
  /** Its work was there already: the agent was not run, and has shown nothing. */
  idle: boolean;
}

/** Pure. */
export function breakerMetricsOf(metrics: unknown): BreakerMetrics {
  const result = breakerMetricsSchema.safeParse(metrics);
  const told: Partial<z.output<typeof breakerMetricsSchema>> = result.success ? result.data : {};
  return {
    agent: told.agent ?? null,
    provider: told.provider ?? null,
    resetAt: told.resetAt instanceof Date ? told.resetAt : null,
    resetInSeconds: typeof told.resetAt === 'number' ? told.resetAt : null,
    probe: told.probe === true,
    idle: told.reusedFrom != null || told.mergedBefore != null,
  };
}

import { z } from 'zod';
import { dateTimeSchema } from './common.js';

export const EVENT_TYPES = [
  'task.created',
  'task.updated',
  'task.claimed',
  'attempt.routed',
  'task.progress',
  'task.completed',
  'task.failed',
  'task.blocked',
  'task.unblocked',
  'task.lease_lost',
  'task.released',
  'task.cancel_requested',
  'task.cancelled',
  'task.retried',
  'task.reopened',
  'task.repaired',
  'task.code_completed',
  'task.merge_granted',
  'task.merge_failed',
  'resources.waiting',
  'resources.granted',
  'resources.given_up',
  'resources.deadlock',
  'resources.repaired',
  'dependency.added',
  'dependency.removed',
  'run.created',
  'run.updated',
  'run.started',
  'run.paused',
  'run.resumed',
  'run.stopped',
  'run.released',
  'run.retried',
  'run.reset',
  'run.wave_opened',
  'run.quarantined',
  'run.succeeded',
  'run.failed',
  'run.cancelled',
  'run.repaired',
  'run.deleted',
  'orchestrator.created',
  'orchestrator.updated',
  'daemon.registered',
  'daemon.stopped',
  'daemon.lost',
  'daemon.returned',
  'breaker.opened',
  'breaker.half_opened',
  'breaker.closed',
  'breaker.forced',
  'breaker.released',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** One immutable row of history. `cursor` is its place in the stream. */
export const eventSchema = z
  .object({
    cursor: z.string(),
    type: z.enum(EVENT_TYPES),
    workspaceId: z.string(),
    taskId: z.string().nullable(),
    attemptId: z.string().nullable(),
    orchestratorId: z.string().nullable(),
    daemonId: z.string().nullable(),
    runId: z.string().nullable(),
    /** Who did it: `daemon:…`, `token:…`, `library`, `engine`. */
    actor: z.string(),
    from: z.string().nullable(),
    to: z.string().nullable(),
    data: z.record(z.string(), z.json()).nullable(),
    at: dateTimeSchema,
  })
  .meta({ id: 'Event' });
export type EngineEvent = z.infer<typeof eventSchema>;

export const eventPageSchema = z
  .object({ events: z.array(eventSchema), cursor: z.string() })
  .meta({ id: 'EventPage' });
export type EventPage = z.infer<typeof eventPageSchema>;

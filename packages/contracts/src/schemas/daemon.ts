import { z } from 'zod';
import { idSchema } from '../ids.js';
import { dateTimeSchema, nonEmptyText } from './common.js';
import { daemonStateSchema } from './vocabulary.js';
import { renewalSchema } from './work.js';

export const daemonSchema = z
  .object({
    id: z.string(),
    workspaceId: z.string(),
    name: z.string(),
    host: z.string(),
    version: z.string(),
    state: daemonStateSchema,
    /** How many tasks it runs at once. */
    slots: z.number().int(),
    agents: z.array(z.string()),
    orchestratorIds: z.array(z.string()),
    startedAt: dateTimeSchema,
    lastSeenAt: dateTimeSchema,
    /** Since when it counts as lost, for it was not heard for a minute; null: it is heard, or has said goodbye. */
    lostAt: dateTimeSchema.nullable().default(null),
  })
  .meta({ id: 'Daemon' });
export type Daemon = z.infer<typeof daemonSchema>;

/** A daemon names itself; registering the same name again is the same daemon, started anew. */
export const daemonRegistrationSchema = z
  .strictObject({
    name: nonEmptyText(100),
    host: nonEmptyText(200),
    version: nonEmptyText(50),
    slots: z.number().int().min(1).max(1_000),
    agents: z.array(nonEmptyText(100)).max(50).default([]),
    orchestratorIds: z.array(idSchema).min(1).max(100),
  })
  .meta({ id: 'DaemonRegistration' });
export type DaemonRegistration = z.input<typeof daemonRegistrationSchema>;

export const daemonHeartbeatSchema = z
  .strictObject({
    state: daemonStateSchema.default('ACTIVE'),
    /** The attempts that it is at; each one's lease is renewed. */
    attemptIds: z.array(idSchema).max(1_000).default([]),
  })
  .meta({ id: 'DaemonHeartbeat' });

export const daemonHeartbeatAnswerSchema = z
  .object({ renewals: z.array(renewalSchema) })
  .meta({ id: 'DaemonHeartbeatAnswer' });

export const daemonListSchema = z.object({ daemons: z.array(daemonSchema) }).meta({ id: 'DaemonList' });

/** What the server tells a daemon over its control stream. */
export const controlMessageSchema = z
  .discriminatedUnion('type', [
    z.object({
      type: z.literal('cancel'),
      attemptId: z.string(),
      taskId: z.string(),
      reason: z.string().nullable(),
    }),
    z.object({ type: z.literal('drain') }),
  ])
  .meta({ id: 'ControlMessage' });
export type ControlMessage = z.infer<typeof controlMessageSchema>;

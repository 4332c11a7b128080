import { z } from 'zod';
import { dateTimeSchema, nonEmptyText, text } from './common.js';

const falling = (values: number[]) =>
  values.every((value, index) => index === 0 || value < (values[index - 1] as number));
const neverRising = (values: number[]) =>
  values.every((value, index) => index === 0 || value <= (values[index - 1] as number));

/** Of CRITICAL, HIGH, MEDIUM, LOW: positive and falling. */
export const priorityWeightsSchema = z
  .tuple([z.number(), z.number(), z.number(), z.number()])
  .refine((weights) => falling(weights) && weights[3] > 0, 'must be positive and fall from CRITICAL to LOW');

/** Overdue, due today, due within three days, later or never: at least 1 and never rising. */
export const deadlineBoostsSchema = z
  .tuple([z.number(), z.number(), z.number(), z.number()])
  .refine(
    (boosts) => neverRising(boosts) && boosts[3] >= 1,
    'must be at least 1 and never rise as the due date moves away',
  );

/** Days after which events are removed; null: never. */
const eventRetentionDaysSchema = z.number().int().min(1).max(36_500).nullable();

export const workspaceSchema = z
  .object({
    id: z.string(),
    slug: z.string(),
    name: z.string(),
    priorityWeights: z.array(z.number()),
    deadlineBoosts: z.array(z.number()),
    eventRetentionDays: eventRetentionDaysSchema,
    createdAt: dateTimeSchema,
  })
  .meta({ id: 'Workspace' });
export type Workspace = z.infer<typeof workspaceSchema>;

export const newWorkspaceSchema = z.strictObject({
  /** Short and unique among all workspaces, as in an address. */
  slug: nonEmptyText(100),
  name: nonEmptyText(100),
});

export const workspacePatchSchema = z
  .strictObject({
    name: nonEmptyText(100).optional(),
    priorityWeights: priorityWeightsSchema.optional(),
    deadlineBoosts: deadlineBoostsSchema.optional(),
    eventRetentionDays: eventRetentionDaysSchema.optional(),
  })
  .meta({ id: 'WorkspacePatch' });
export type WorkspacePatch = z.output<typeof workspacePatchSchema>;

export const channelSchema = z
  .object({ id: z.string(), name: z.string(), purpose: z.string().nullable() })
  .meta({ id: 'Channel' });
export type Channel = z.infer<typeof channelSchema>;
export const newChannelSchema = z
  .strictObject({ name: nonEmptyText(100), purpose: text(1_000).nullable().default(null) })
  .meta({ id: 'NewChannel' });
export const channelListSchema = z.object({ channels: z.array(channelSchema) }).meta({ id: 'ChannelList' });

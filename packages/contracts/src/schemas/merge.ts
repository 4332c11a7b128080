import { z } from 'zod';
import { dateTimeSchema, nonEmptyText, outputSchema } from './common.js';
import { artifactSchema } from './context.js';

/** What an attempt is told that asks for its run's merge slot. */
export const mergeTurnSchema = z
  .object({
    taskId: z.string(),
    attemptId: z.string(),
    granted: z.boolean(),
    grantedAt: dateTimeSchema.nullable(),
    /** How many merges have to end before its turn; 0 when it is granted. */
    place: z.number().int(),
    /** Then end the attempt instead; no slot will be granted. */
    cancelRequested: z.boolean(),
  })
  .meta({ id: 'MergeTurn' });
export type MergeTurn = z.infer<typeof mergeTurnSchema>;

export const mergeRequestSchema = z
  .strictObject({
    /** How long to wait for the slot, in seconds. */
    waitSeconds: z.number().min(0).max(25).default(0),
  })
  .meta({ id: 'MergeRequest' });

export const mergedRequestSchema = z
  .strictObject({
    /** What the merge brought, such as its commit; takes the place of the output of the code. */
    output: outputSchema.optional(),
    artifacts: z.array(artifactSchema).max(100).optional(),
  })
  .meta({ id: 'MergedRequest' });
export type MergedReport = z.output<typeof mergedRequestSchema>;

export const mergeFailedRequestSchema = z
  .strictObject({ error: nonEmptyText(100_000) })
  .meta({ id: 'MergeFailedRequest' });

import { z } from 'zod';
import { text } from './common.js';

/** Far more than any agent uses, and exact as a number. */
const TOKENS_MAX = 1_000_000_000_000_000;
const tokens = z.number().int().min(0).max(TOKENS_MAX);
const costUsd = z.number().min(0).max(1_000_000_000);

const usageFields = {
  inputTokens: tokens.optional(),
  outputTokens: tokens.optional(),
  /** Of what was sent to the model: read from its cache, and written to it. */
  cacheReadTokens: tokens.optional(),
  cacheWriteTokens: tokens.optional(),
  /** In US dollars, as the agent reckons it. */
  costUsd: costUsd.optional(),
  model: text(200).optional(),
  /** Rounds of model and tools. */
  turns: z.number().int().min(0).max(1_000_000_000).optional(),
};

/** What an attempt has used up, as `metrics.usage` of its completion tells it. More fields may stand beside these. */
export const reportedUsageSchema = z.looseObject(usageFields).meta({ id: 'ReportedUsage' });

/** What an attempt has used up; a field that is missing was not told. */
export const attemptUsageSchema = z.object(usageFields).meta({ id: 'AttemptUsage' });
export type AttemptUsage = z.infer<typeof attemptUsageSchema>;

/** What several attempts have used up together: those that ended and told it. */
export const usageSumSchema = z
  .object({
    /** How many told what they used. */
    attempts: z.number().int(),
    inputTokens: z.number().int(),
    outputTokens: z.number().int(),
    cacheReadTokens: z.number().int(),
    cacheWriteTokens: z.number().int(),
    /** Null where none told a cost. */
    costUsd: z.number().nullable(),
    turns: z.number().int(),
  })
  .meta({ id: 'UsageSum' });
export type UsageSum = z.infer<typeof usageSumSchema>;

/** What the metrics of an attempt say it has used up; null where they say nothing that can be counted. Pure. */
export function usageOfMetrics(metrics: unknown): AttemptUsage | null {
  if (typeof metrics !== 'object' || metrics === null || !('usage' in metrics)) return null;
  const result = attemptUsageSchema.safeParse(metrics.usage);
  return result.success ? result.data : null;
}

import { z } from 'zod';
import { planLimits } from '../plan/planLimits.js';

/** How long a task waits after a failure: its k-th wait is drawn evenly from [0, min(cap, base × factor^(k−1))). */
export const backoffSchema = z
  .object({
    /** What the first wait is shorter than; 0: tried again at once. */
    baseSeconds: z.number().int().min(0).max(planLimits.backoffBaseSecondsMax),
    /** By which it grows with each failure; 1: not at all. */
    factor: z.number().min(1).max(planLimits.backoffFactorMax),
    /** No wait is longer. */
    capSeconds: z.number().int().min(0).max(planLimits.backoffCapSecondsMax),
  })
  .meta({ id: 'Backoff' });
export type Backoff = z.output<typeof backoffSchema>;

export const DEFAULT_BACKOFF: Readonly<Backoff> = { baseSeconds: 10, factor: 2, capSeconds: 600 };

/** Some of it; what is left out is the run's, and the default where the run says nothing either. */
export const backoffSettingsSchema = z
  .strictObject(backoffSchema.shape)
  .partial()
  .refine(
    ({ baseSeconds, capSeconds }) =>
      baseSeconds === undefined || capSeconds === undefined || baseSeconds <= capSeconds,
    { path: ['capSeconds'], message: 'must not be below baseSeconds' },
  )
  .meta({ id: 'BackoffSettings' });
export type BackoffSettings = { [Field in keyof Backoff]?: Backoff[Field] | undefined };

/** Settings over settings, the last say the most: default, run, task. Pure. */
export function mergeBackoff(...layers: readonly (BackoffSettings | null | undefined)[]): Backoff {
  return layers.reduce<Backoff>(
    (below, layer) => ({
      baseSeconds: layer?.baseSeconds ?? below.baseSeconds,
      factor: layer?.factor ?? below.factor,
      capSeconds: layer?.capSeconds ?? below.capSeconds,
    }),
    DEFAULT_BACKOFF,
  );
}

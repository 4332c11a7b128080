import type { RunConfig, RunSettings } from '@neolith/contracts';

/** The settings of a run with some of them changed. Pure. */
export function applySettings(config: RunConfig, settings: RunSettings): RunConfig {
  const { failureThreshold = {}, backoff, ...rest } = settings;
  return {
    ...config,
    ...(dropUndefined(rest) as Partial<RunConfig>),
    backoff: { ...config.backoff, ...dropUndefined(backoff ?? {}) },
    failureThreshold: { ...config.failureThreshold, ...dropUndefined(failureThreshold) },
  };
}

function dropUndefined<Fields extends object>(
  fields: Fields,
): { [Name in keyof Fields]?: NonNullable<Fields[Name]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Fields]?: NonNullable<Fields[Name]>;
  };
}

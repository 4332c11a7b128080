/** What a sweep does, step by step; `tasks` and `counts` are of `recalculateAllStatuses`. */
export const SWEEP_STEPS = [
  'leases',
  'cancels',
  'breakers',
  'runs',
  'delayed',
  'resources',
  'daemons',
  'requests',
  'keys',
  'outcomes',
  'events',
  'logs',
  'tasks',
  'counts',
] as const;
export type SweepStep = (typeof SWEEP_STEPS)[number];

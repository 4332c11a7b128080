/** What the charts of outcomes have in common: order from the axis outwards, names, colours. */
export const OUTCOMES = [
  { key: 'completed', name: 'Completed', fill: 'var(--good-fill)' },
  { key: 'failed', name: 'Failed', fill: 'var(--bad-fill)' },
  { key: 'cancelled', name: 'Cancelled', fill: 'var(--mute-fill)' },
] as const;

export const AXIS_TICK = { fill: 'var(--ink-faint)', fontSize: 11 };
export const CURSOR = { fill: 'var(--inset)' };

import type { Backoff } from '@neolith/contracts';
import { formatCount } from './formatNumber';
import { formatDuration } from './formatTime';

/** How long tasks wait after a failure, in a few words. Pure. */
export function describeBackoff({ baseSeconds, factor, capSeconds }: Backoff): string {
  const cap = formatDuration(capSeconds * 1_000);
  if (capSeconds === 0 || baseSeconds === 0) return 'not at all';
  if (baseSeconds >= capSeconds || factor === 1)
    return `up to ${formatDuration(Math.min(baseSeconds, capSeconds) * 1_000)}`;
  return `up to ${formatDuration(baseSeconds * 1_000)}, × ${formatCount(factor)} each time, at most ${cap}`;
}

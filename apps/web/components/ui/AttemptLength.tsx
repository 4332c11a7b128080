import { formatDuration } from '@/lib/formatTime';
import type { AttemptJson } from '@/lib/wire';
import { Elapsed } from './Time';

/** How long an attempt took, or has been going on. */
export function AttemptLength({ attempt, timeZone }: { attempt: AttemptJson; timeZone: string }) {
  if (attempt.endedAt === null) return <Elapsed since={attempt.claimedAt} timeZone={timeZone} />;
  return (
    <span className="tabular whitespace-nowrap">
      {formatDuration(Date.parse(attempt.endedAt) - Date.parse(attempt.claimedAt))}
    </span>
  );
}

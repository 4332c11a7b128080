'use client';

import { useNow } from '@/components/live/Clock';
import { formatAbsolute, formatDuration, formatRelative } from '@/lib/formatTime';

/** A moment as people say it; the exact time, in the given time zone, on hover. */
export function RelativeTime({ at, timeZone }: { at: string; timeZone: string }) {
  const now = useNow();
  const time = Date.parse(at);
  return (
    <time dateTime={at} title={formatAbsolute(time, timeZone)} className="tabular whitespace-nowrap">
      {formatRelative(time, now)}
    </time>
  );
}

/** How long something has been going on. */
export function Elapsed({ since, timeZone }: { since: string; timeZone: string }) {
  const now = useNow();
  return (
    <time
      dateTime={since}
      title={`since ${formatAbsolute(Date.parse(since), timeZone)}`}
      className="tabular whitespace-nowrap"
    >
      {formatDuration(now - Date.parse(since))}
    </time>
  );
}

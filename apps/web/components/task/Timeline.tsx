import { Panel } from '@/components/ui/Panel';
import { ToneDot } from '@/components/ui/StatusBadge';
import { TaskText } from '@/components/ui/TaskText';
import { RelativeTime } from '@/components/ui/Time';
import { dayOf } from '@/lib/calendar';
import { EVENT_LOOK } from '@/lib/eventLook';
import { foldHistory, type HistoryEntry } from '@/lib/foldHistory';
import { formatClock, formatWeekday } from '@/lib/formatTime';
import { tellEvent } from '@/lib/tellEvent';
import type { EventJson } from '@/lib/wire';

/** The history of a task, newest first, under the days of the orchestrator's time zone. */
export function Timeline({ history, timeZone }: { history: readonly EventJson[]; timeZone: string }) {
  const days = new Map<string, HistoryEntry[]>();
  for (const entry of foldHistory(history)) {
    const day = dayOf(Date.parse(entry.event.at), timeZone);
    days.set(day, [...(days.get(day) ?? []), entry]);
  }
  return (
    <Panel id="history" title="History" aside={`times in ${timeZone}`}>
      {history.length === 0 ? <p className="text-sm text-ink-faint">No events yet.</p> : null}
      <div className="space-y-5">
        {[...days].map(([day, entries]) => (
          <div key={day}>
            <h3 className="text-xs text-ink-faint">{formatWeekday(day)}</h3>
            <ol className="mt-2 space-y-3 border-l border-line pl-4">
              {entries.map((entry) => (
                // The oldest event of a fold is the one that stays while new reports are folded in.
                <Entry key={(entry.earlier.at(-1) ?? entry.event).cursor} entry={entry} timeZone={timeZone} />
              ))}
            </ol>
          </div>
        ))}
      </div>
    </Panel>
  );
}

function Entry({ entry: { event, earlier }, timeZone }: { entry: HistoryEntry; timeZone: string }) {
  const look = EVENT_LOOK[event.type];
  const told = tellEvent(event);
  return (
    <li className="relative text-sm" data-event={event.type}>
      <span className="absolute -left-[1.28rem] top-1.5 grid place-items-center rounded-full bg-surface ring-4 ring-surface">
        <ToneDot tone={look.tone} />
      </span>
      <div className="flex items-baseline justify-between gap-4">
        <p className="min-w-0">
          <span className="font-medium">{look.label}</span>
          <span className="foreign text-xs text-ink-faint">
            {' '}
            by <TaskText text={event.actor} />
          </span>
        </p>
        <p className="flex shrink-0 gap-3 text-xs text-ink-faint">
          <span className="hidden sm:inline">
            <RelativeTime at={event.at} timeZone={timeZone} />
          </span>
          <span className="tabular">{formatClock(Date.parse(event.at), timeZone)}</span>
        </p>
      </div>
      {told === null ? null : (
        <p className="foreign mt-0.5 line-clamp-6 whitespace-pre-wrap text-ink-soft">
          <TaskText text={told} />
        </p>
      )}
      {earlier.length === 0 ? null : (
        <details className="mt-1 text-xs text-ink-soft">
          <summary className="w-fit list-none rounded text-accent underline-offset-2 hover:underline">
            {earlier.length === 1 ? 'One earlier report' : `${earlier.length} earlier reports`}
          </summary>
          <ul className="mt-1 space-y-0.5">
            {earlier.map((report) => (
              <li key={report.cursor} className="flex justify-between gap-4">
                <span className="foreign min-w-0">
                  <TaskText text={tellEvent(report) ?? ''} />
                </span>
                <span className="tabular shrink-0 text-ink-faint">
                  {formatClock(Date.parse(report.at), timeZone)}
                </span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </li>
  );
}

import { PageLink, taskHref } from '@/components/ui/PageLink';
import { StatusBadge } from '@/components/ui/StatusBadge';
import { TaskText } from '@/components/ui/TaskText';
import { RelativeTime } from '@/components/ui/Time';
import type { ResourceBoardJson } from '@/lib/wire';
import { UseList } from './UseList';

/** Each circle, the latest first: who waited for whom, and who gave way. */
export function DeadlockList({ deadlocks }: { deadlocks: NonNullable<ResourceBoardJson['deadlocks']> }) {
  return (
    <ol className="divide-y divide-line">
      {deadlocks.map(({ at, cycle }) => (
        <li key={`${at}\n${cycle[0]?.attemptId}`} className="px-4 py-2.5 text-sm">
          <p className="text-xs text-ink-faint">
            <RelativeTime at={at} timeZone="UTC" />, each waited for the next and the last for the first
          </p>
          <ol className="mt-1 space-y-1">
            {cycle.map((part) => (
              <li key={part.attemptId} className="flex flex-wrap items-center gap-x-2 gap-y-0.5">
                <span className="foreign min-w-0">
                  {part.title === null ? (
                    <span className="text-ink-faint">{part.taskId}</span>
                  ) : (
                    <PageLink href={taskHref(part.taskId)}>
                      <TaskText text={part.title} />
                    </PageLink>
                  )}
                </span>
                <span className="text-xs text-ink-soft">
                  asked for <UseList uses={part.askedFor} />
                </span>
                {part.gaveWay ? <StatusBadge label="Gave way" tone="warn" /> : null}
              </li>
            ))}
          </ol>
        </li>
      ))}
    </ol>
  );
}

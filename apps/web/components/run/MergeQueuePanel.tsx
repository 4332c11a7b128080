import { PageLink, taskHref } from '@/components/ui/PageLink';
import { Panel } from '@/components/ui/Panel';
import { StatusBadge } from '@/components/ui/StatusBadge';
import { TaskText } from '@/components/ui/TaskText';
import { Elapsed } from '@/components/ui/Time';
import type { RunShape } from '@/lib/runPage';

/** Whose code is complete, in the order in which they merge. */
export function MergeQueuePanel({
  queue,
  slots,
  timeZone,
}: {
  queue: RunShape['mergeQueue'];
  slots: number;
  timeZone: string;
}) {
  const granted = queue.filter(({ grantedAt }) => grantedAt !== null).length;
  return (
    <Panel
      id="merges"
      title="Merge queue"
      aside={`${granted} of ${slots} ${slots === 1 ? 'slot' : 'slots'}`}
      flush
    >
      {queue.length === 0 ? (
        <p className="px-4 py-4 text-center text-sm text-ink-soft">Nothing waits to be merged.</p>
      ) : (
        <ol className="max-h-80 divide-y divide-line overflow-y-auto">
          {queue.map((merge, place) => (
            <li
              key={merge.attemptId}
              className="flex items-center justify-between gap-4 px-4 py-2.5 text-sm"
              data-merge={merge.attemptId}
            >
              <span className="flex min-w-0 items-baseline gap-3">
                <span className="tabular shrink-0 text-xs text-ink-faint">{place + 1}</span>
                <span className="min-w-0 truncate">
                  <PageLink href={taskHref(merge.taskId)}>
                    <TaskText text={merge.title} />
                  </PageLink>
                </span>
              </span>
              <span className="flex shrink-0 items-center gap-3 text-xs text-ink-faint">
                {merge.grantedAt === null ? (
                  <StatusBadge label="Waiting" tone="neutral" />
                ) : (
                  <StatusBadge label="Merging" tone="running" />
                )}
                <Elapsed since={merge.grantedAt ?? merge.readyAt} timeZone={timeZone} />
              </span>
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );
}

import { PageLink, runHref } from '@/components/ui/PageLink';
import { StatusBadge } from '@/components/ui/StatusBadge';
import { TaskText } from '@/components/ui/TaskText';
import { RelativeTime } from '@/components/ui/Time';
import { formatRate, plural } from '@/lib/formatNumber';
import { RUN_STATUS_LOOK } from '@/lib/statusLook';
import type { RunJson } from '@/lib/wire';
import { RunCountsBar } from './RunCountsBar';

/** Of the tasks that count; what was cancelled does not. */
function percentDone({ counts }: RunJson): number | null {
  const counted = counts.total - counts.cancelled;
  return counted === 0 ? null : (counts.done / counted) * 100;
}

/** One run among others: what it is, where it stands, how far it is. */
export function RunRow({ run }: { run: RunJson }) {
  const headingId = `run-${run.id}`;
  return (
    <article
      aria-labelledby={headingId}
      className="rounded-xl border border-line bg-surface p-4 shadow-[0_1px_2px_rgb(0_0_0/0.03)] xl:px-5"
    >
      <div className="grid items-start gap-x-8 gap-y-4 md:grid-cols-[minmax(0,1fr)_minmax(0,1.2fr)]">
        <div className="min-w-0">
          <h2 id={headingId} className="text-base font-semibold tracking-tight">
            <PageLink href={runHref(run.id)}>
              <TaskText text={run.name} />
            </PageLink>
          </h2>
          <p className="mt-1.5 flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-ink-faint">
            <StatusBadge {...RUN_STATUS_LOOK[run.status]} />
            <span className="tabular">{plural(run.counts.total, 'task')}</span>
            {run.finishedAt !== null ? (
              <span>
                ended <RelativeTime at={run.finishedAt} timeZone="UTC" />
              </span>
            ) : run.startedAt !== null ? (
              <span>
                started <RelativeTime at={run.startedAt} timeZone="UTC" />
              </span>
            ) : (
              <span>
                made <RelativeTime at={run.createdAt} timeZone="UTC" />
              </span>
            )}
          </p>
          {run.reason === null ? null : (
            <p className="foreign mt-1.5 line-clamp-2 text-xs text-warn">
              <TaskText text={run.reason} />
            </p>
          )}
        </div>
        <div className="grid min-w-0 grid-cols-[3.5rem_minmax(0,1fr)] items-start gap-4">
          <p className="tabular text-lg leading-6 font-semibold tracking-tight" data-percent>
            {formatRate(percentDone(run))}
          </p>
          <div className="pt-2">
            <RunCountsBar counts={run.counts} />
          </div>
        </div>
      </div>
    </article>
  );
}

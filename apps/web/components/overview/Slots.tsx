import { PageLink, taskHref } from '@/components/ui/PageLink';
import { ProgressBar } from '@/components/ui/ProgressBar';
import { TaskText } from '@/components/ui/TaskText';
import { Elapsed } from '@/components/ui/Time';
import { showControls } from '@/lib/showControls';
import type { OrchestratorOverviewJson } from '@/lib/wire';

const SHOWN = 3;

/** The work of an orchestrator, a line a slot: what fills it and how far it is, or that it is free. */
export function Slots({ row }: { row: OrchestratorOverviewJson }) {
  const { running, orchestrator } = row;
  const limit = orchestrator.maxConcurrentTasks;
  // Always as many lines as there may be slots, so that a task that begins or ends moves nothing.
  const available = orchestrator.status === 'ONLINE' || orchestrator.status === 'BUSY';
  const lines = available
    ? Math.min(SHOWN, Math.max(limit, running.length))
    : Math.min(SHOWN, running.length);
  const shown = running.slice(0, lines);
  const more = running.length - shown.length;

  return (
    <div>
      <div className="flex items-baseline justify-between gap-4 text-xs text-ink-faint">
        <h3>Running</h3>
        <p className="tabular">
          {running.length} of {limit} {limit === 1 ? 'slot' : 'slots'}
          {more > 0 ? ` · ${more} more` : ''}
        </p>
      </div>
      <ul className="mt-1.5 space-y-2">
        {shown.map(({ task, attempt, progress, progressMessage }) => (
          <li key={attempt.id} className="h-7" data-task={task.id}>
            <div className="flex items-baseline justify-between gap-4 text-sm leading-5">
              <span
                className="min-w-0 truncate"
                title={showControls(
                  progressMessage === null ? task.title : `${task.title} — ${progressMessage}`,
                )}
              >
                <PageLink href={taskHref(task.id)}>
                  <TaskText text={task.title} />
                </PageLink>
                {attempt.cancelRequestedAt === null ? null : <span className="text-warn"> · cancelling</span>}
              </span>
              <span className="tabular flex shrink-0 gap-3 text-xs text-ink-faint">
                <span className="w-9 text-right font-medium text-ink-soft">{progress} %</span>
                <span className="w-14 text-right">
                  <Elapsed since={attempt.claimedAt} timeZone={orchestrator.timeZone} />
                </span>
              </span>
            </div>
            <div className="mt-1">
              <ProgressBar value={progress} label={showControls(task.title)} />
            </div>
          </li>
        ))}
        {Array.from({ length: lines - shown.length }, (_, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: free slots are all alike and have no identity
          <li key={`free-${index}`} className="h-7 text-sm leading-5 text-ink-faint">
            Free
            <div className="mt-1 h-1 rounded-full border border-dashed border-line" />
          </li>
        ))}
      </ul>
      {lines === 0 ? (
        <p className="mt-1 text-sm leading-5 text-ink-faint">
          Nothing; no task is handed out while it is {orchestrator.status === 'AWAY' ? 'away' : 'offline'}
        </p>
      ) : null}
    </div>
  );
}

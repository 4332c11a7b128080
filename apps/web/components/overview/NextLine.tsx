'use client';

import type { NothingReason } from '@neolith/contracts';
import { useNow } from '@/components/live/Clock';
import { PageLink, taskHref } from '@/components/ui/PageLink';
import { PriorityTag } from '@/components/ui/PriorityTag';
import { TaskText } from '@/components/ui/TaskText';
import { DEADLINE_LABEL, deadlineOf } from '@/lib/deadline';
import { formatCount } from '@/lib/formatNumber';
import { showControls } from '@/lib/showControls';
import type { OrchestratorOverviewJson, RankingJson } from '@/lib/wire';

const WAITS: Record<NothingReason, string> = {
  AT_CAPACITY: 'waits for a free slot',
  ORCHESTRATOR_NOT_AVAILABLE: 'held back: the orchestrator is not available',
  NOTHING_ELIGIBLE: 'nothing to hand out',
};

/** The task that is next, and the parts of its score; or why there is none. Always two lines high. */
export function NextLine({
  next,
  backlog,
  timeZone,
}: {
  next: RankingJson | null;
  backlog: OrchestratorOverviewJson['backlog'];
  timeZone: string;
}) {
  const now = useNow(60);
  const head = next?.ranking[0];
  return (
    <div className="h-10 border-l-2 border-line pl-3 text-sm leading-5">
      {head === undefined ? (
        <>
          <p className="text-ink-faint">
            <span className="sr-only">Next: </span>Nothing is next
          </p>
          <p className="truncate text-xs leading-5 text-ink-faint">{whyNothing(backlog)}</p>
        </>
      ) : (
        <>
          <p className="truncate" title={showControls(head.task.title)}>
            <span className="text-ink-faint">Next </span>
            <PageLink href={taskHref(head.task.id)}>
              <TaskText text={head.task.title} />
            </PageLink>
          </p>
          <p className="tabular flex items-center gap-2 truncate text-xs leading-5 text-ink-faint">
            <PriorityTag priority={head.task.priority} />
            <span className="truncate">
              {formatCount(head.weight)} × {formatCount(head.boost)}
              {head.boost === 1 ? '' : ` ${DEADLINE_LABEL[deadlineOf(head.task.dueAt, now, timeZone)]}`} ={' '}
              <span className="font-medium text-ink-soft">{formatCount(head.score)}</span>
              {next?.reason == null ? '' : ` · ${WAITS[next.reason]}`}
            </span>
          </p>
        </>
      )}
    </div>
  );
}

function whyNothing(backlog: OrchestratorOverviewJson['backlog']): string {
  if (backlog.total === 0) return 'The backlog is empty';
  if (backlog.delayed > 0 && backlog.blocked === 0) return 'All that is open waits for its time';
  if (backlog.blocked > 0 && backlog.ready === 0)
    return 'All that is open waits for other tasks or for an answer';
  return 'All that is ready is already running';
}

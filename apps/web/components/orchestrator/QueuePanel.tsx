'use client';

import type { NothingReason } from '@neolith/contracts';
import { useNow } from '@/components/live/Clock';
import { EmptyState } from '@/components/ui/EmptyState';
import { PageLink, taskHref } from '@/components/ui/PageLink';
import { Panel } from '@/components/ui/Panel';
import { PriorityTag } from '@/components/ui/PriorityTag';
import { TaskText } from '@/components/ui/TaskText';
import { RelativeTime } from '@/components/ui/Time';
import { DEADLINE_LABEL, type Deadline, deadlineOf } from '@/lib/deadline';
import { formatCount } from '@/lib/formatNumber';
import type { ExecutionStatsJson, OrchestratorDetailJson, RankedTaskJson, RankingJson } from '@/lib/wire';
import { WhyNot } from './WhyNot';

const WHY_NOTHING: Record<NothingReason, string> = {
  AT_CAPACITY: 'All slots are used: the first starts as soon as one is free.',
  ORCHESTRATOR_NOT_AVAILABLE: 'Nothing is handed out while the orchestrator is away or offline.',
  NOTHING_ELIGIBLE: 'Nothing can be handed out now.',
};

const DEADLINE_TONE: Record<Deadline, string> = {
  overdue: 'text-bad font-medium',
  today: 'text-warn font-medium',
  soon: 'text-ink-soft',
  later: 'text-ink-faint',
  none: 'text-ink-faint',
};

/** The ranked queue: the order in which tasks will be claimed, and how each score comes about. */
export function QueuePanel({
  orchestrator,
  queue,
  backlog,
}: {
  orchestrator: OrchestratorDetailJson;
  queue: RankingJson;
  backlog: ExecutionStatsJson['backlog'];
}) {
  const { ranking, reason } = queue;
  const more = backlog.ready > ranking.length;
  return (
    <Panel
      id="queue"
      title="Queue"
      aside={
        ranking.length === 0
          ? undefined
          : more
            ? `first ${ranking.length} of ${formatCount(backlog.ready)} ready`
            : `${formatCount(ranking.length)} ready`
      }
      flush
    >
      {reason === null || ranking.length === 0 ? null : (
        <p className="border-b border-line bg-inset/60 px-4 py-2 text-xs text-ink-soft">
          {WHY_NOTHING[reason]}
        </p>
      )}
      {ranking.length === 0 ? (
        <EmptyState
          title="Nothing is ready"
          {...(backlog.total === 0
            ? { command: `npx neolith import plan.yaml --orchestrator ${orchestrator.id}` }
            : {})}
        >
          {backlog.total === 0
            ? 'The backlog is empty. Import a plan, or create tasks with POST /api/v1/tasks.'
            : 'What is open waits for other tasks, for an answer, or for its time.'}
        </EmptyState>
      ) : (
        <ol className="divide-y divide-line">
          {ranking.map((ranked) => (
            <QueueLine key={ranked.task.id} ranked={ranked} orchestrator={orchestrator} />
          ))}
        </ol>
      )}
    </Panel>
  );
}

function QueueLine({
  ranked,
  orchestrator,
}: {
  ranked: RankedTaskJson;
  orchestrator: OrchestratorDetailJson;
}) {
  const { task, rank, weight, boost, score } = ranked;
  const now = useNow(60);
  const deadline = deadlineOf(task.dueAt, now, orchestrator.timeZone);
  return (
    <li className="grid grid-cols-[1.75rem_minmax(0,1fr)_auto] gap-x-2 px-4 py-2.5" data-rank={rank}>
      <span className="tabular pt-0.5 text-xs text-ink-faint">{rank}</span>
      <div className="min-w-0">
        <p className="foreign text-sm leading-5 line-clamp-2">
          <PageLink href={taskHref(task.id)}>
            <TaskText text={task.title} />
          </PageLink>
        </p>
        <p className="mt-1 flex flex-wrap items-center gap-x-3 gap-y-0.5 text-xs text-ink-faint">
          <PriorityTag priority={task.priority} />
          <span className={DEADLINE_TONE[deadline]}>
            {DEADLINE_LABEL[deadline]}
            {task.dueAt === null ? null : (
              <span className="font-normal text-ink-faint">
                {' '}
                · <RelativeTime at={task.dueAt} timeZone={orchestrator.timeZone} />
              </span>
            )}
          </span>
          {task.attemptCount === 0 ? null : <span className="tabular">attempt {task.attemptCount + 1}</span>}
        </p>
      </div>
      <div className="text-right">
        <p className="tabular text-sm font-semibold leading-5">{formatCount(score)}</p>
        <p className="tabular mt-1 whitespace-nowrap text-xs text-ink-faint">
          <span title={`weight of ${task.priority}`}>{formatCount(weight)}</span> ×{' '}
          <span title={`boost: ${DEADLINE_LABEL[deadline]}`}>{formatCount(boost)}</span>
        </p>
      </div>
      {rank === 1 ? null : (
        <div className="col-start-2 col-end-4">
          <WhyNot orchestratorId={orchestrator.id} taskId={task.id} question="Why not first?" />
        </div>
      )}
    </li>
  );
}

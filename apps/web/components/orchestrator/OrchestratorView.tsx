'use client';

import { StaleNotice } from '@/components/live/StaleNotice';
import { useLiveResource } from '@/components/live/useLiveResource';
import { readProgress } from '@/lib/applyProgress';
import { serverNow } from '@/lib/clock';
import { readWorkDone, readWorkNow, type WorkDone, type WorkNow } from '@/lib/orchestratorPage';
import type { RangeChoice } from '@/lib/statsRange';
import type { EventJson } from '@/lib/wire';
import { AttemptsPanel } from './AttemptsPanel';
import { OrchestratorHeader } from './OrchestratorHeader';
import { PerformancePanel } from './PerformancePanel';
import { QueuePanel } from './QueuePanel';
import { RunningPanel } from './RunningPanel';
import { StuckPanel } from './StuckPanel';

const ENDS = new Set<string>([
  'task.completed',
  'task.failed',
  'task.cancelled',
  'task.claimed',
  'task.blocked',
  'task.lease_lost',
  'task.released',
  'task.retried',
  'task.reopened',
]);

function withProgress(now: WorkNow, event: EventJson): WorkNow {
  const told = readProgress(event);
  if (told === null || !now.running.some((task) => task.id === event.taskId)) return now;
  return {
    ...now,
    running: now.running.map((task) =>
      task.id === event.taskId
        ? {
            ...task,
            progress: told.progress ?? task.progress,
            progressMessage: told.message ?? task.progressMessage,
          }
        : task,
    ),
  };
}

/** One orchestrator: who it is, what it is at, what keeps it, what is next and why, and how well it goes. */
export function OrchestratorView({
  initialNow,
  initialDone,
  choice,
}: {
  initialNow: WorkNow;
  initialDone: WorkDone;
  choice: RangeChoice;
}) {
  const id = initialNow.orchestrator.id;
  const concerns = (event: EventJson) => event.orchestratorId === id || event.type.startsWith('daemon.');

  const work = useLiveResource<WorkNow>({
    initial: initialNow,
    read: (signal) => readWorkNow(id, signal),
    wants: (event, patch) => {
      if (event.type !== 'task.progress') return concerns(event);
      patch((now) => withProgress(now, event));
      return false;
    },
  });
  const { orchestrator, queue } = work.data;
  const done = useLiveResource<WorkDone>({
    initial: initialDone,
    read: (signal) => readWorkDone(id, choice, { timeZone: orchestrator.timeZone, now: serverNow() }, signal),
    wants: (event) => ENDS.has(event.type) && concerns(event),
  });

  return (
    <>
      <OrchestratorHeader now={work.data} stats={done.data.stats} />
      <div className="mt-6 grid gap-4 xl:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <div className="order-2 min-w-0 xl:order-1">
          <QueuePanel orchestrator={orchestrator} queue={queue} backlog={done.data.stats.backlog} />
        </div>
        <div className="order-1 min-w-0 space-y-4 xl:order-2">
          <RunningPanel orchestrator={orchestrator} running={work.data.running} />
          <StuckPanel orchestrator={orchestrator} blocked={work.data.blocked} more={work.data.moreBlocked} />
        </div>
      </div>
      <PerformancePanel stats={done.data.stats} choice={choice} />
      <AttemptsPanel attempts={done.data.attempts} orchestrator={orchestrator} />
      <StaleNotice problem={work.problem ?? done.problem} />
    </>
  );
}

'use client';

import { LiveIndicator } from '@/components/live/LiveIndicator';
import { StaleNotice } from '@/components/live/StaleNotice';
import { useLiveResource } from '@/components/live/useLiveResource';
import { Breadcrumb } from '@/components/shell/Breadcrumb';
import { applyTaskEvent, type RunShape, readRunProgress, readRunShape, reshapes } from '@/lib/runPage';
import type { RunProgressJson } from '@/lib/wire';
import { MergeQueuePanel } from './MergeQueuePanel';
import { RunActions } from './RunActions';
import { RunHeader } from './RunHeader';
import { RunningAttemptsPanel } from './RunningAttemptsPanel';
import { RunProgressPanel } from './RunProgressPanel';
import { WavesPanel } from './WavesPanel';

/** Who does the tasks that name nobody. */
export interface RunOwner {
  id: string;
  name: string;
  timeZone: string;
}

/** One run: where it stands and what it waits for, its waves, what is being done and merged. */
export function RunView({
  initialShape,
  initialProgress,
  owner,
}: {
  initialShape: RunShape;
  initialProgress: RunProgressJson;
  owner: RunOwner | null;
}) {
  const id = initialProgress.runId;
  const shape = useLiveResource<RunShape>({
    initial: initialShape,
    read: (signal) => readRunShape(id, signal),
    wants: (event, patch) => {
      if (event.runId !== id) return false;
      patch((current) => applyTaskEvent(current, event));
      return reshapes(event);
    },
  });
  const progress = useLiveResource<RunProgressJson>({
    initial: initialProgress,
    read: (signal) => readRunProgress(id, signal),
    wants: (event) => event.runId === id,
  });
  const { run, waves, mergeQueue } = shape.data;
  const timeZone = owner?.timeZone ?? 'UTC';

  return (
    <>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <Breadcrumb trail={[{ label: 'Runs', href: '/runs' }]} />
        <LiveIndicator />
      </div>
      <RunHeader run={run} status={progress.data.status} owner={owner} timeZone={timeZone} />
      <RunActions
        run={{ ...run, status: progress.data.status, counts: progress.data.counts }}
        onChange={(changed) => {
          shape.patch((current) => ({ ...current, run: changed }));
          progress.patch((current) => ({ ...current, status: changed.status, counts: changed.counts }));
        }}
      />
      <div className="mt-4 grid items-start gap-4 xl:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <RunProgressPanel progress={progress.data} timeZone={timeZone} />
        <div className="min-w-0 space-y-4">
          <RunningAttemptsPanel running={progress.data.running} run={run} timeZone={timeZone} />
          {run.config.mergeStage ? (
            <MergeQueuePanel queue={mergeQueue} slots={run.config.maxConcurrentMerges} timeZone={timeZone} />
          ) : null}
        </div>
      </div>
      <div className="mt-4">
        <WavesPanel waves={waves} progress={progress.data} />
      </div>
      <StaleNotice problem={shape.problem ?? progress.problem} />
    </>
  );
}

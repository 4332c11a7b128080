import type { RunStatus } from '@neolith/contracts';
import type { ReactNode } from 'react';
import { orchestratorHref, PageLink } from '@/components/ui/PageLink';
import { StatusBadge } from '@/components/ui/StatusBadge';
import { TaskProse, TaskText } from '@/components/ui/TaskText';
import { RelativeTime } from '@/components/ui/Time';
import { describeBackoff } from '@/lib/describeBackoff';
import { showControls } from '@/lib/showControls';
import { RUN_STATUS_LOOK } from '@/lib/statusLook';
import type { RunJson } from '@/lib/wire';
import type { RunOwner } from './RunView';

/** What the run is and how it is executed. `status` may be newer than the run's. */
export function RunHeader({
  run,
  status,
  owner,
  timeZone,
}: {
  run: RunJson;
  status: RunStatus;
  owner: RunOwner | null;
  timeZone: string;
}) {
  const { config } = run;
  const backoff = config.backoff === undefined ? null : describeBackoff(config.backoff);
  return (
    <div className="mt-3 rounded-xl border border-line bg-surface p-4 shadow-[0_1px_2px_rgb(0_0_0/0.03)] sm:p-5">
      <div className="flex flex-wrap items-start justify-between gap-x-10 gap-y-4">
        <div className="min-w-0 max-w-4xl">
          <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
            <h1 className="foreign min-w-0 text-2xl font-semibold tracking-tight text-balance">
              <TaskText text={run.name} />
            </h1>
            <StatusBadge {...RUN_STATUS_LOOK[status]} />
          </div>
          {run.reason === null ? null : (
            <p className="foreign mt-1 text-sm text-warn">
              <TaskText text={run.reason} />
            </p>
          )}
          {run.description === '' ? null : (
            <div className="mt-2 line-clamp-3 text-ink-soft">
              <TaskProse text={run.description} />
            </div>
          )}
        </div>
        <dl className="grid grid-cols-2 gap-x-8 gap-y-3 text-sm sm:flex sm:flex-wrap">
          <Fact label="Orchestrator">
            {owner === null ? (
              <span className="text-ink-faint">As its tasks say</span>
            ) : (
              <PageLink href={orchestratorHref(owner.id)}>
                <TaskText text={owner.name} />
              </PageLink>
            )}
          </Fact>
          <Fact label="Tasks at once">
            <span className="tabular">{config.maxConcurrentTasks}</span>
          </Fact>
          {backoff === null ? null : <Fact label="Retries wait">{backoff}</Fact>}
          <Fact label="Waves">{config.waves === 'strict' ? 'One after another' : 'Whatever is ready'}</Fact>
          {run.dueAt === null ? null : (
            <Fact label="Due">
              <RelativeTime at={run.dueAt} timeZone={timeZone} />
            </Fact>
          )}
          {run.startedAt === null ? null : (
            <Fact label="Started">
              <RelativeTime at={run.startedAt} timeZone={timeZone} />
            </Fact>
          )}
          {run.finishedAt === null ? null : (
            <Fact label="Ended">
              <RelativeTime at={run.finishedAt} timeZone={timeZone} />
            </Fact>
          )}
          {run.source === null ? null : (
            <Fact label="Source">
              <span className="block max-w-xs truncate" title={showControls(run.source)}>
                <TaskText text={run.source} />
              </span>
            </Fact>
          )}
        </dl>
      </div>
    </div>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-xs text-ink-faint">{label}</dt>
      <dd className="mt-0.5">{children}</dd>
    </div>
  );
}

import { PlugZap, Unplug } from 'lucide-react';
import { orchestratorHref, PageLink } from '@/components/ui/PageLink';
import { StatusBadge } from '@/components/ui/StatusBadge';
import { TaskText } from '@/components/ui/TaskText';
import { attentionOf } from '@/lib/attention';
import { formatRate } from '@/lib/formatNumber';
import { formatSeconds } from '@/lib/formatTime';
import { ORCHESTRATOR_STATUS_LOOK } from '@/lib/statusLook';
import type { OrchestratorOverviewJson, RankingJson } from '@/lib/wire';
import { AttentionLine } from './AttentionLine';
import { BacklogBar } from './BacklogBar';
import { NextLine } from './NextLine';
import { Slots } from './Slots';
import { ThroughputBars } from './ThroughputBars';

/** One orchestrator: who, what runs, what is next and why, what waits, how well it goes. */
export function OrchestratorRow({ row, next }: { row: OrchestratorOverviewJson; next: RankingJson | null }) {
  const { orchestrator, daemonAlive, backlog } = row;
  const headingId = `orchestrator-${orchestrator.id}`;
  const status = ORCHESTRATOR_STATUS_LOOK[orchestrator.status];

  return (
    <article
      aria-labelledby={headingId}
      className="relative overflow-hidden rounded-xl border border-line bg-surface shadow-[0_1px_2px_rgb(0_0_0/0.03)]"
    >
      <div className="grid gap-x-8 gap-y-5 p-4 md:grid-cols-2 xl:grid-cols-[minmax(11rem,0.8fr)_minmax(20rem,1.7fr)_minmax(13rem,1fr)_minmax(13rem,0.8fr)] xl:px-5">
        <div className="min-w-0">
          <h2 id={headingId} className="text-base font-semibold tracking-tight">
            <PageLink href={orchestratorHref(orchestrator.id)}>
              <TaskText text={orchestrator.name} />
            </PageLink>
          </h2>
          <p className="foreign text-sm text-ink-soft">
            <TaskText text={orchestrator.role} />
          </p>
          <p className="mt-2.5 flex flex-wrap items-center gap-x-3 gap-y-1.5">
            <StatusBadge label={status.label} tone={status.tone} />
            <span
              className={`inline-flex items-center gap-1 text-xs ${daemonAlive ? 'text-ink-faint' : 'text-warn'}`}
            >
              {daemonAlive ? (
                <PlugZap aria-hidden className="size-3.5" />
              ) : (
                <Unplug aria-hidden className="size-3.5" />
              )}
              {daemonAlive ? 'Daemon alive' : 'No daemon'}
            </span>
          </p>
        </div>

        <div className="min-w-0 space-y-3">
          <Slots row={row} />
          <NextLine next={next} backlog={backlog} timeZone={orchestrator.timeZone} />
        </div>

        <BacklogBar backlog={backlog} />

        <div className="min-w-0">
          <h3 className="text-xs text-ink-faint">Last 7 days</h3>
          <div className="mt-1.5 flex items-end justify-between gap-4">
            <dl className="grid grid-cols-[auto_auto] gap-x-4">
              <div>
                <dt className="text-2xs text-ink-faint">Success</dt>
                <dd className="tabular text-sm font-medium">{formatRate(row.successRate)}</dd>
              </div>
              <div>
                <dt className="text-2xs text-ink-faint">Average</dt>
                <dd className="tabular text-sm font-medium">{formatSeconds(row.averageCompletionTime)}</dd>
              </div>
            </dl>
            <ThroughputBars days={row.throughput} />
          </div>
        </div>
      </div>
      <AttentionLine attention={attentionOf(row)} />
    </article>
  );
}

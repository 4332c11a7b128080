'use client';

import { ChevronRight, PlugZap, Unplug } from 'lucide-react';
import { useNow } from '@/components/live/Clock';
import { LiveIndicator } from '@/components/live/LiveIndicator';
import { AttentionLine } from '@/components/overview/AttentionLine';
import { Breadcrumb } from '@/components/shell/Breadcrumb';
import { StatusBadge } from '@/components/ui/StatusBadge';
import { TaskText } from '@/components/ui/TaskText';
import { RelativeTime } from '@/components/ui/Time';
import { attentionOf } from '@/lib/attention';
import { isAlive } from '@/lib/daemonLife';
import type { WorkNow } from '@/lib/orchestratorPage';
import { ORCHESTRATOR_STATUS_LOOK } from '@/lib/statusLook';
import type { ExecutionStatsJson, OrchestratorDetailJson } from '@/lib/wire';

export function OrchestratorHeader({ now: work, stats }: { now: WorkNow; stats: ExecutionStatsJson }) {
  const { orchestrator, daemons, running } = work;
  const now = useNow(5);
  const status = ORCHESTRATOR_STATUS_LOOK[orchestrator.status];
  const alive = daemons.some((daemon) => isAlive(daemon, now));
  const attention = attentionOf({
    orchestrator,
    running: { length: running.length },
    backlog: stats.backlog,
    daemonAlive: alive,
    successRate: null,
    throughput: [],
  });

  return (
    <>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <Breadcrumb trail={[{ label: 'Orchestrators', href: '/' }]} />
        <LiveIndicator />
      </div>
      <div className="mt-3 overflow-hidden rounded-xl border border-line bg-surface shadow-[0_1px_2px_rgb(0_0_0/0.03)]">
        <div className="flex flex-wrap items-start justify-between gap-x-10 gap-y-5 p-4 sm:p-5">
          <div className="min-w-0">
            <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
              <h1 className="text-2xl font-semibold tracking-tight">
                <TaskText text={orchestrator.name} />
              </h1>
              <StatusBadge label={status.label} tone={status.tone} />
            </div>
            <p className="foreign mt-1 text-sm text-ink-soft">
              <TaskText text={orchestrator.role} /> · <TaskText text={orchestrator.discipline} />
            </p>
            {orchestrator.capabilities.length === 0 ? null : (
              <ul aria-label="Capabilities" className="mt-3 flex flex-wrap gap-1.5">
                {orchestrator.capabilities.map((capability) => (
                  <li key={capability} className="rounded-md bg-inset px-2 py-0.5 text-xs text-ink-soft">
                    <TaskText text={capability} />
                  </li>
                ))}
              </ul>
            )}
          </div>
          <dl className="grid grid-cols-2 gap-x-8 gap-y-3 text-sm sm:flex">
            <Fact label="Slots">
              <span className="tabular">
                {running.length} of {orchestrator.maxConcurrentTasks} used
              </span>
            </Fact>
            <Fact label="Time zone">{orchestrator.timeZone}</Fact>
            <Fact label={daemons.length > 1 ? 'Daemons' : 'Daemon'}>
              {daemons.length === 0 ? (
                <span className="text-warn">None registered</span>
              ) : (
                <ul className="space-y-0.5">
                  {daemons.map((daemon) => {
                    const lives = isAlive(daemon, now);
                    return (
                      <li
                        key={daemon.id}
                        className="flex items-center gap-1.5"
                        title={`${daemon.name} on ${daemon.host}`}
                      >
                        {lives ? (
                          <PlugZap aria-hidden className="size-3.5 text-good" />
                        ) : (
                          <Unplug aria-hidden className="size-3.5 text-warn" />
                        )}
                        <span className="max-w-48 truncate">{daemon.name}</span>
                        <span className="text-xs text-ink-faint">
                          {lives ? (
                            daemon.state === 'DRAINING' ? (
                              'draining'
                            ) : (
                              'alive'
                            )
                          ) : (
                            <>
                              seen <RelativeTime at={daemon.lastSeenAt} timeZone={orchestrator.timeZone} />
                            </>
                          )}
                        </span>
                      </li>
                    );
                  })}
                </ul>
              )}
            </Fact>
          </dl>
        </div>
        <Charter charter={orchestrator.charter} />
        <AttentionLine attention={attention} />
      </div>
    </>
  );
}

function Fact({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-xs text-ink-faint">{label}</dt>
      <dd className="mt-0.5">{children}</dd>
    </div>
  );
}

function Charter({ charter }: { charter: OrchestratorDetailJson['charter'] }) {
  const { mission, vision, values, expertise } = charter;
  if (mission === null && vision === null && values.length === 0 && expertise.length === 0) return null;
  return (
    <details className="group border-t border-line text-sm">
      <summary className="flex items-center gap-2 px-4 py-3 sm:px-5">
        <ChevronRight
          aria-hidden
          className="size-4 shrink-0 text-ink-faint transition-transform group-open:rotate-90"
        />
        <span className="shrink-0 font-medium">Charter</span>
        {mission === null ? null : (
          <span className="min-w-0 truncate text-ink-soft group-open:invisible">
            <TaskText text={mission} />
          </span>
        )}
      </summary>
      <dl className="grid gap-x-10 gap-y-4 px-4 pb-5 pt-1 sm:px-5 md:grid-cols-2">
        {mission === null ? null : (
          <Fact label="Mission">
            <TaskText text={mission} />
          </Fact>
        )}
        {vision === null ? null : (
          <Fact label="Vision">
            <TaskText text={vision} />
          </Fact>
        )}
        {values.length === 0 ? null : (
          <Fact label="Values">
            <Words words={values} />
          </Fact>
        )}
        {expertise.length === 0 ? null : (
          <Fact label="Expertise">
            <Words words={expertise} />
          </Fact>
        )}
      </dl>
    </details>
  );
}

function Words({ words }: { words: readonly string[] }) {
  return (
    <ul className="list-inside list-disc marker:text-ink-faint">
      {words.map((word) => (
        <li key={word}>
          <TaskText text={word} />
        </li>
      ))}
    </ul>
  );
}

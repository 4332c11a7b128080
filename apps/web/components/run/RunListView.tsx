'use client';

import { LiveIndicator } from '@/components/live/LiveIndicator';
import { StaleNotice } from '@/components/live/StaleNotice';
import { useLiveResource } from '@/components/live/useLiveResource';
import { EmptyState } from '@/components/ui/EmptyState';
import { PageLink } from '@/components/ui/PageLink';
import { apiGet } from '@/lib/apiGet';
import { type RunListChoice, runListQuery, SHOWN_STATUSES } from '@/lib/runList';
import { RUN_STATUS_LOOK } from '@/lib/statusLook';
import type { RunPageJson } from '@/lib/wire';
import { RunRow } from './RunRow';

/** The runs of the workspace, newest first, following the event stream. */
export function RunListView({ initial, choice }: { initial: RunPageJson; choice: RunListChoice }) {
  const { data, problem } = useLiveResource<RunPageJson>({
    initial,
    read: (signal) => apiGet(`/runs?${runListQuery(choice)}`, signal),
    wants: (event) => event.runId !== null && event.type !== 'task.progress',
  });
  const link = (status: RunListChoice['status'], cursor: string | null) => {
    const query = new URLSearchParams({
      ...(status === null ? {} : { status }),
      ...(cursor === null ? {} : { cursor }),
    });
    return query.size === 0 ? '/runs' : `/runs?${query}`;
  };

  return (
    <>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h1 className="text-xl font-semibold tracking-tight">Runs</h1>
        <LiveIndicator />
      </div>
      <nav aria-label="Show runs" className="mt-4 flex flex-wrap gap-1 text-sm">
        {[null, ...SHOWN_STATUSES].map((status) => {
          const current = status === choice.status;
          return (
            <span key={status ?? 'all'} {...(current ? { 'aria-current': 'true' } : {})}>
              <PageLink
                href={link(status, null)}
                className={`inline-block rounded-lg px-3 py-1.5 ${current ? 'bg-ink text-canvas' : 'text-ink-soft hover:bg-inset hover:text-ink'}`}
              >
                {status === null ? 'All' : RUN_STATUS_LOOK[status].label}
              </PageLink>
            </span>
          );
        })}
      </nav>
      {data.runs.length === 0 ? (
        <div className="mt-4 rounded-xl border border-dashed border-line-strong/60">
          {choice.status === null && choice.cursor === null ? (
            <EmptyState title="No runs yet" command="npx neolith import plan.yaml --orchestrator Ada">
              A run is a plan being executed: its tasks in order of their dependencies. Import one, or create
              one with POST /api/v1/runs.
            </EmptyState>
          ) : (
            <EmptyState title="No run is like that">Choose “All” to see the others.</EmptyState>
          )}
        </div>
      ) : (
        <ul className="mt-4 space-y-3">
          {data.runs.map((run) => (
            <li key={run.id}>
              <RunRow run={run} />
            </li>
          ))}
        </ul>
      )}
      <p className="mt-4 flex gap-4 text-sm">
        {choice.cursor === null ? null : (
          <PageLink href={link(choice.status, null)} className="text-accent underline underline-offset-2">
            Newest
          </PageLink>
        )}
        {data.nextCursor === null ? null : (
          <PageLink
            href={link(choice.status, data.nextCursor)}
            className="text-accent underline underline-offset-2"
          >
            Older
          </PageLink>
        )}
      </p>
      <StaleNotice problem={problem} />
    </>
  );
}

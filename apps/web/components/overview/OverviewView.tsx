'use client';

import { useSearchParams } from 'next/navigation';
import { useMemo } from 'react';
import { LiveIndicator } from '@/components/live/LiveIndicator';
import { StaleNotice } from '@/components/live/StaleNotice';
import { useLiveResource } from '@/components/live/useLiveResource';
import { EmptyState } from '@/components/ui/EmptyState';
import { apiGet } from '@/lib/apiGet';
import { applyProgress } from '@/lib/applyProgress';
import { arrangeOverview, parseArrangement } from '@/lib/arrangeOverview';
import type { OverviewJson } from '@/lib/wire';
import { OrchestratorRow } from './OrchestratorRow';
import { OverviewSummary } from './OverviewSummary';
import { OverviewToolbar } from './OverviewToolbar';
import { UnassignedLine } from './UnassignedLine';
import { type NextUp, useNextUp } from './useNextUp';

/** All orchestrators at a glance, following the event stream. */
export function OverviewView({ initial, initialNext }: { initial: OverviewJson; initialNext: NextUp }) {
  const { data, problem } = useLiveResource<OverviewJson>({
    initial,
    read: (signal) => apiGet('/overview', signal),
    wants: (event, patch) => {
      if (event.type !== 'task.progress') return true;
      patch((overview) => applyProgress(overview, event));
      return false;
    },
  });
  const next = useNextUp(initialNext);
  const parameters = useSearchParams();
  const arrangement = useMemo(() => parseArrangement(parameters), [parameters]);
  const rows = useMemo(() => arrangeOverview(data.orchestrators, arrangement), [data, arrangement]);

  return (
    <>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h1 className="text-xl font-semibold tracking-tight">Orchestrators</h1>
        <LiveIndicator />
      </div>
      <OverviewSummary overview={data} />
      {data.orchestrators.length === 0 ? (
        <div className="mt-6 rounded-xl border border-dashed border-line-strong/60">
          <EmptyState title="No orchestrators yet" command="npx neolith import plan.yaml --orchestrator Ada">
            An orchestrator owns a backlog of tasks and decides what is done next. Import a plan for one, or
            create one with POST /api/v1/orchestrators.
          </EmptyState>
        </div>
      ) : (
        <>
          <OverviewToolbar arrangement={arrangement} shown={rows.length} total={data.orchestrators.length} />
          <ul className="mt-3 space-y-3">
            {rows.map((row) => (
              <li key={row.orchestrator.id}>
                <OrchestratorRow row={row} next={next[row.orchestrator.id] ?? null} />
              </li>
            ))}
          </ul>
          {rows.length === 0 ? (
            <div className="mt-3 rounded-xl border border-dashed border-line-strong/60">
              <EmptyState title="No orchestrator fits the filter">
                Clear the search, or choose “All”.
              </EmptyState>
            </div>
          ) : null}
        </>
      )}
      <UnassignedLine count={data.unassigned} />
      <StaleNotice problem={problem} />
    </>
  );
}

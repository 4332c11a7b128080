'use client';

import { LiveIndicator } from '@/components/live/LiveIndicator';
import { StaleNotice } from '@/components/live/StaleNotice';
import { useLiveResource } from '@/components/live/useLiveResource';
import { EmptyState } from '@/components/ui/EmptyState';
import { Panel } from '@/components/ui/Panel';
import { apiGet } from '@/lib/apiGet';
import { formatCount } from '@/lib/formatNumber';
import type { EventJson, ResourceBoardJson } from '@/lib/wire';
import { DeadlockList } from './DeadlockList';
import { HoldTable } from './HoldTable';
import { WaitList } from './WaitList';

/** What may change who holds what: a claim, an end, and what is told of resources themselves. */
const moves = ({ type, from, to }: EventJson) =>
  type.startsWith('resources.') || from === 'IN_PROGRESS' || to === 'IN_PROGRESS' || from === 'MERGING';

/** Who holds which resource, who waits for whom, and the circles that were broken. */
export function ResourcesView({ initial }: { initial: ResourceBoardJson }) {
  const { data, problem } = useLiveResource<ResourceBoardJson>({
    initial,
    read: (signal) => apiGet('/resources', signal),
    wants: moves,
  });
  const { holds, waits, deadlocks = [] } = data;
  return (
    <>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h1 className="text-xl font-semibold tracking-tight">Resources</h1>
        <LiveIndicator />
      </div>
      <p className="mt-1 max-w-3xl text-sm text-ink-soft text-pretty">
        What two tasks must not use at once: paths, ports, schemas. A task gets all that it declares with its
        claim, and lets it go with the end of its attempt.
      </p>
      <div className="mt-4 grid items-start gap-4 xl:grid-cols-2">
        <Panel
          id="held"
          title="Held"
          aside={holds.length === 0 ? undefined : formatCount(holds.length)}
          flush
        >
          {holds.length === 0 ? (
            <EmptyState title="Nothing is held">
              A task says what it needs with <code className="font-mono text-xs">resources</code>, for example{' '}
              <code className="font-mono text-xs">path:src/api/**</code> or{' '}
              <code className="font-mono text-xs">shared db-schema</code>.
            </EmptyState>
          ) : (
            <HoldTable holds={holds} />
          )}
        </Panel>
        <div className="min-w-0 space-y-4">
          <Panel
            id="waiting"
            title="Waiting, longest first"
            aside={waits.length === 0 ? undefined : formatCount(waits.length)}
            flush
          >
            {waits.length === 0 ? (
              <p className="px-4 py-3 text-sm text-ink-faint">Nobody waits for a resource.</p>
            ) : (
              <WaitList waits={waits} />
            )}
          </Panel>
          <Panel
            id="deadlocks"
            title="Deadlocks that were broken"
            aside={deadlocks.length === 0 ? undefined : formatCount(deadlocks.length)}
            flush
          >
            {deadlocks.length === 0 ? (
              <p className="px-4 py-3 text-sm text-ink-faint">None so far.</p>
            ) : (
              <DeadlockList deadlocks={deadlocks} />
            )}
          </Panel>
        </div>
      </div>
      <StaleNotice problem={problem} />
    </>
  );
}

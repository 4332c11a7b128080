'use client';

import { LiveIndicator } from '@/components/live/LiveIndicator';
import { StaleNotice } from '@/components/live/StaleNotice';
import { useLiveResource } from '@/components/live/useLiveResource';
import { EmptyState } from '@/components/ui/EmptyState';
import { apiGet } from '@/lib/apiGet';
import type { BreakerListJson } from '@/lib/wire';
import { BreakerRow } from './BreakerRow';

/** Every breaker that ever opened or was forced, those that hold something back first. */
export function BreakersView({ initial }: { initial: BreakerListJson }) {
  const { data, problem, patch } = useLiveResource<BreakerListJson>({
    initial,
    read: (signal) => apiGet('/breakers', signal),
    wants: (event) => event.type.startsWith('breaker.'),
  });
  const ordered = [...data.breakers].sort(
    (a, b) => Number(a.status === 'closed') - Number(b.status === 'closed'),
  );
  return (
    <>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h1 className="text-xl font-semibold tracking-tight">Breakers</h1>
        <LiveIndicator />
      </div>
      <p className="mt-1 max-w-3xl text-sm text-ink-soft text-pretty">
        One for each agent with each provider. Where one is open nobody uses that agent: its tasks go to
        others, or wait. After a while a single attempt tries whether it works again.
      </p>
      {ordered.length === 0 ? (
        <div className="mt-4 rounded-xl border border-dashed border-line-strong/60">
          <EmptyState title="No breaker has ever opened" command="npx neolith breakers force open claude">
            An agent that fails several times in a row through no fault of its tasks is held back here. You
            can hold one back by hand, too.
          </EmptyState>
        </div>
      ) : (
        <ul className="mt-4 space-y-3">
          {ordered.map((breaker) => (
            <li key={`${breaker.agent}\n${breaker.provider}`}>
              <BreakerRow
                breaker={breaker}
                onChange={(changed) =>
                  patch((list) => ({
                    breakers: list.breakers.map((one) =>
                      one.agent === changed.agent && one.provider === changed.provider ? changed : one,
                    ),
                  }))
                }
              />
            </li>
          ))}
        </ul>
      )}
      <StaleNotice problem={problem} />
    </>
  );
}

import { formatCount } from '@/lib/formatNumber';
import { PRIORITIES, PRIORITY_LOOK } from '@/lib/priorities';
import type { OrchestratorOverviewJson } from '@/lib/wire';

/** Open work by priority, as one bar and in numbers; and how much of it can't start now. */
export function BacklogBar({ backlog }: { backlog: OrchestratorOverviewJson['backlog'] }) {
  return (
    <div className="min-w-0">
      <div className="flex items-baseline justify-between gap-4">
        <h3 className="text-xs text-ink-faint">Backlog</h3>
        <p className="tabular text-xs text-ink-faint">
          <span className="text-sm leading-4 font-medium text-ink">{formatCount(backlog.total)}</span> open
        </p>
      </div>
      <div aria-hidden className="mt-1.5 flex h-2 gap-px overflow-hidden rounded-full bg-inset">
        {PRIORITIES.map((priority) =>
          backlog.byPriority[priority] === 0 ? null : (
            <div
              key={priority}
              className="min-w-1 transition-[flex-grow] duration-500 motion-reduce:transition-none"
              style={{ flexGrow: backlog.byPriority[priority], background: PRIORITY_LOOK[priority].color }}
            />
          ),
        )}
      </div>
      <dl className="tabular mt-2 grid grid-cols-4 gap-2 text-xs">
        {PRIORITIES.map((priority) => (
          <div key={priority} className="min-w-0">
            <dt className="flex items-center gap-1 truncate text-2xs text-ink-faint">
              <span
                aria-hidden
                className="size-1.5 shrink-0 rounded-full"
                style={{ background: PRIORITY_LOOK[priority].color }}
              />
              {PRIORITY_LOOK[priority].label}
            </dt>
            <dd className="font-medium">{formatCount(backlog.byPriority[priority])}</dd>
          </div>
        ))}
      </dl>
      <p className="tabular mt-2 flex gap-x-3 text-xs text-ink-faint">
        <span>{formatCount(backlog.ready)} ready</span>
        <span className={backlog.blocked > 0 ? 'text-warn' : ''}>{formatCount(backlog.blocked)} blocked</span>
        <span>{formatCount(backlog.delayed)} delayed</span>
      </p>
    </div>
  );
}

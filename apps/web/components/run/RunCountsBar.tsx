import { formatCount } from '@/lib/formatNumber';
import type { RunJson } from '@/lib/wire';

type Counted = Exclude<keyof RunJson['counts'], 'total'>;

const LOOK: readonly { of: Counted; label: string; fill: string }[] = [
  { of: 'done', label: 'Done', fill: 'bg-good-fill' },
  { of: 'merging', label: 'Merging', fill: 'bg-accent-fill/55' },
  { of: 'inProgress', label: 'In progress', fill: 'bg-accent-fill' },
  { of: 'todo', label: 'To do', fill: 'bg-mute-fill' },
  // Most of a plan waits for most of its time; in full colour it would look like trouble.
  { of: 'blocked', label: 'Blocked', fill: 'bg-warn-fill/45' },
  { of: 'failed', label: 'Failed', fill: 'bg-bad-fill' },
  { of: 'cancelled', label: 'Cancelled', fill: 'bg-line-strong' },
];

/** Where the tasks of a run stand, as one bar and in numbers. */
export function RunCountsBar({ counts }: { counts: RunJson['counts'] }) {
  return (
    <div className="min-w-0">
      <div aria-hidden className="flex h-2 gap-px overflow-hidden rounded-full bg-inset">
        {LOOK.map(({ of, fill }) =>
          counts[of] === 0 ? null : (
            <div
              key={of}
              className={`min-w-1 transition-[flex-grow] duration-500 motion-reduce:transition-none ${fill}`}
              style={{ flexGrow: counts[of] }}
            />
          ),
        )}
      </div>
      <dl className="tabular mt-2 grid grid-cols-[repeat(auto-fill,minmax(4.5rem,1fr))] gap-x-2 gap-y-1 text-xs">
        {LOOK.map(({ of, label, fill }) => (
          <div key={of} className="min-w-0" data-count={of}>
            <dt className="flex items-center gap-1 truncate text-2xs text-ink-faint">
              <span aria-hidden className={`size-1.5 shrink-0 rounded-full ${fill}`} />
              {label}
            </dt>
            <dd className="font-medium">{formatCount(counts[of])}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

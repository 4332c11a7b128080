import type { TaskPriority } from '@neolith/contracts';
import { PRIORITIES, PRIORITY_LOOK } from '@/lib/priorities';

/** A priority as a word beside rising bars, so that it can be told apart without colours. */
export function PriorityTag({ priority }: { priority: TaskPriority }) {
  const { label, color } = PRIORITY_LOOK[priority];
  const height = PRIORITIES.length - PRIORITIES.indexOf(priority);
  return (
    <span className="inline-flex items-center gap-1.5 whitespace-nowrap text-xs text-ink-soft">
      <svg aria-hidden="true" viewBox="0 0 14 12" className="h-3 w-3.5">
        {PRIORITIES.map((step, index) => (
          <rect
            key={step}
            x={index * 3.6}
            y={9 - index * 3}
            width="2.6"
            height={3 + index * 3}
            rx="0.8"
            fill={index < height ? color : 'var(--line)'}
          />
        ))}
      </svg>
      {label}
    </span>
  );
}

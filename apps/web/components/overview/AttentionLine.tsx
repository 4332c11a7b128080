import { CircleAlert, TriangleAlert } from 'lucide-react';
import { Command } from '@/components/ui/Command';
import type { Attention } from '@/lib/attention';

/** What keeps an orchestrator from its work, at the foot of its card. */
export function AttentionLine({ attention }: { attention: readonly Attention[] }) {
  if (attention.length === 0) return null;
  return (
    <ul className="divide-y divide-line border-t border-line bg-inset/60 text-sm">
      {attention.map(({ severity, text, remedy }) => (
        <li key={text} className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2 xl:px-5">
          <span
            className={`inline-flex items-center gap-2 font-medium ${severity === 'bad' ? 'text-bad' : 'text-warn'}`}
          >
            {severity === 'bad' ? (
              <CircleAlert aria-hidden className="size-4 shrink-0" />
            ) : (
              <TriangleAlert aria-hidden className="size-4 shrink-0" />
            )}
            {text}
          </span>
          {remedy === null ? null : remedy.startsWith('npx neolith ') ? (
            <Command text={remedy} />
          ) : (
            <span className="text-ink-soft">{remedy}</span>
          )}
        </li>
      ))}
    </ul>
  );
}

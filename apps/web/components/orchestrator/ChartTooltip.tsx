import type { OUTCOMES } from './chartLook';

type Outcome = (typeof OUTCOMES)[number]['key'];

/** The numbers under the pointer. */
export function ChartTooltip({
  title,
  rows,
}: {
  title: string;
  rows: readonly { key: Outcome; name: string; fill: string; value: number }[];
}) {
  return (
    <div className="rounded-lg border border-line bg-surface px-3 py-2 text-xs shadow-md">
      <p className="font-medium text-ink">{title}</p>
      <ul className="mt-1 space-y-0.5">
        {rows.map((row) => (
          <li key={row.key} className="flex items-center gap-2 text-ink-soft">
            <span aria-hidden className="size-2 rounded-sm" style={{ background: row.fill }} />
            {row.name}
            <span className="tabular ml-auto pl-4 font-medium text-ink">{row.value}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

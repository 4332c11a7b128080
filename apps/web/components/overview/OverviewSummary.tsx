import { formatCount, formatRate } from '@/lib/formatNumber';
import type { OverviewJson } from '@/lib/wire';

function Figure({ label, value, note, tone }: { label: string; value: string; note: string; tone?: string }) {
  return (
    <div className="bg-surface px-4 py-3">
      <dt className="text-xs text-ink-faint">{label}</dt>
      <dd className="mt-0.5 flex items-baseline gap-2">
        <span className={`tabular text-2xl font-semibold tracking-tight ${tone ?? ''}`}>{value}</span>
        <span className="tabular truncate text-xs text-ink-faint">{note}</span>
      </dd>
    </div>
  );
}

/** The whole workspace in six numbers. */
export function OverviewSummary({ overview }: { overview: OverviewJson }) {
  const rows = overview.orchestrators;
  const sum = (of: (row: OverviewJson['orchestrators'][number]) => number) =>
    rows.reduce((total, row) => total + of(row), 0);
  const running = sum((row) => row.running.length);
  const slots = sum((row) => row.orchestrator.maxConcurrentTasks);
  const blocked = sum((row) => row.backlog.blocked);
  const delayed = sum((row) => row.backlog.delayed);
  const done = sum((row) => row.throughput.reduce((total, day) => total + day.completed, 0));
  const failed = sum((row) => row.throughput.reduce((total, day) => total + day.failed, 0));
  const doneToday = sum((row) => row.throughput.at(-1)?.completed ?? 0);
  const daemons = rows.filter((row) => row.daemonAlive).length;

  return (
    <dl
      aria-label="Summary"
      className="mt-4 grid grid-cols-2 gap-px overflow-hidden rounded-xl border border-line bg-line md:grid-cols-3 xl:grid-cols-6"
    >
      <Figure label="Running now" value={formatCount(running)} note={`of ${formatCount(slots)} slots`} />
      <Figure label="Ready" value={formatCount(sum((row) => row.backlog.ready))} note="waiting for a slot" />
      <Figure
        label="Blocked"
        value={formatCount(blocked)}
        note={delayed === 0 ? 'none delayed' : `${formatCount(delayed)} delayed`}
        tone={blocked > 0 ? 'text-warn' : ''}
      />
      <Figure label="Completed, 7 days" value={formatCount(done)} note={`${formatCount(doneToday)} today`} />
      <Figure
        label="Success rate, 7 days"
        value={formatRate(done + failed === 0 ? null : (done / (done + failed)) * 100)}
        note={`${formatCount(failed)} failed`}
      />
      <Figure
        label="Served by a daemon"
        value={formatCount(daemons)}
        note={`of ${formatCount(rows.length)}`}
        tone={daemons < rows.length ? 'text-warn' : ''}
      />
    </dl>
  );
}

import { formatCount, formatRate } from '@/lib/formatNumber';
import { formatSeconds, formatShort } from '@/lib/formatTime';
import { tellTotals } from '@/lib/formatUsage';
import type { RangeChoice } from '@/lib/statsRange';
import type { ExecutionStatsJson } from '@/lib/wire';
import { DayChart } from './DayChart';
import { PriorityChart } from './PriorityChart';
import { RangePicker } from './RangePicker';

/** How well it went over the chosen range. */
export function PerformancePanel({ stats, choice }: { stats: ExecutionStatsJson; choice: RangeChoice }) {
  const { timeZone } = stats.range;
  const used = tellTotals(stats.usage);
  const finished = stats.completed + stats.failed + stats.cancelled;
  return (
    <section aria-labelledby="performance-title" className="mt-10">
      <div className="flex flex-wrap items-end justify-between gap-x-6 gap-y-3">
        <div>
          <h2 id="performance-title" className="text-lg font-semibold tracking-tight">
            Performance
          </h2>
          <p className="tabular mt-0.5 text-xs text-ink-faint">
            {formatShort(Date.parse(stats.range.start), timeZone)} –{' '}
            {formatShort(Date.parse(stats.range.end), timeZone)} ({timeZone})
          </p>
        </div>
        <RangePicker key={`${choice.name} ${choice.from} ${choice.to}`} choice={choice} />
      </div>

      <dl
        aria-label="Statistics of the range"
        className="mt-4 grid grid-cols-2 gap-px overflow-hidden rounded-xl border border-line bg-line sm:grid-cols-3 lg:grid-cols-6"
      >
        <Tile label="Completed" value={formatCount(stats.completed)} testId="completed" />
        <Tile label="Failed" value={formatCount(stats.failed)} tone={stats.failed > 0 ? 'text-bad' : ''} />
        <Tile label="Cancelled" value={formatCount(stats.cancelled)} />
        <Tile label="Success rate" value={formatRate(stats.successRate)} note="done of done and failed" />
        <Tile label="On time" value={formatRate(stats.onTimeRate)} note="of those with a due date" />
        <Tile label="Retries" value={formatCount(stats.retries)} note="attempts beyond the first" />
        <Tile label="Average time" value={formatSeconds(stats.averageCompletionTime)} note="claim to done" />
        <Tile label="Median (p50)" value={formatSeconds(stats.p50CompletionTime)} />
        <Tile label="Slowest 5 % (p95)" value={formatSeconds(stats.p95CompletionTime)} />
        <Tile label="In progress" value={formatCount(stats.inProgress)} note="now" />
        <Tile
          label="Blocked"
          value={formatCount(stats.blocked)}
          note="now"
          tone={stats.blocked > 0 ? 'text-warn' : ''}
        />
        <Tile label="Backlog" value={formatCount(stats.backlog.total)} note="now" />
        {/* The two fill a row of two, three and six. */}
        <Tile
          label="Tokens"
          value={used.tokens}
          note={used.tokensNote}
          testId="tokens"
          place="col-span-2 lg:col-span-4"
        />
        <Tile
          label="Cost"
          value={used.cost}
          note={used.costNote}
          testId="cost"
          place="col-span-2 sm:col-span-1 lg:col-span-2"
        />
      </dl>

      <div className="mt-4 grid gap-4 lg:grid-cols-[minmax(0,2fr)_minmax(0,1fr)]">
        <ChartCard title="Finished tasks a day" empty={finished === 0}>
          <DayChart days={stats.byDay} />
        </ChartCard>
        <ChartCard title="Finished tasks by priority" empty={finished === 0}>
          <PriorityChart byPriority={stats.byPriority} />
        </ChartCard>
      </div>
    </section>
  );
}

function Tile({
  label,
  value,
  note,
  tone = '',
  testId,
  place = '',
}: {
  label: string;
  value: string;
  note?: string;
  tone?: string;
  testId?: string;
  /** How many columns it takes. */
  place?: string;
}) {
  return (
    <div className={`bg-surface px-4 py-3 ${place}`}>
      <dt className="text-xs text-ink-faint">{label}</dt>
      <dd className="mt-0.5" data-stat={testId}>
        <span className={`tabular text-xl font-semibold tracking-tight ${tone}`}>{value}</span>
        <span className="block h-4 truncate text-2xs text-ink-faint">{note}</span>
      </dd>
    </div>
  );
}

function ChartCard({ title, empty, children }: { title: string; empty: boolean; children: React.ReactNode }) {
  return (
    <figure className="flex min-w-0 flex-col rounded-xl border border-line bg-surface p-4">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <figcaption className="text-sm font-semibold">{title}</figcaption>
        <ul aria-hidden className="flex gap-3 text-xs text-ink-faint">
          {[
            ['Completed', 'bg-good-fill'],
            ['Failed', 'bg-bad-fill'],
            ['Cancelled', 'bg-mute-fill'],
          ].map(([label, color]) => (
            <li key={label} className="flex items-center gap-1.5">
              <span className={`size-2 rounded-sm ${color}`} />
              {label}
            </li>
          ))}
        </ul>
      </div>
      <div className="relative mt-3 h-56 grow">
        {empty ? (
          <p className="grid h-full place-items-center text-sm text-ink-soft">
            Nothing was finished in this range; try a longer one.
          </p>
        ) : (
          children
        )}
      </div>
    </figure>
  );
}

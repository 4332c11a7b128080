import { formatCount } from '@/lib/formatNumber';
import { formatWeekday } from '@/lib/formatTime';
import type { OrchestratorOverviewJson } from '@/lib/wire';

const HEIGHT = 36;
const BAR = 10;
const GAP = 4;

/** Completed and failed tasks a day, today last; the numbers are in a table for those who don't see the bars. */
export function ThroughputBars({ days }: { days: OrchestratorOverviewJson['throughput'] }) {
  const most = Math.max(1, ...days.map((day) => day.completed + day.failed));
  const total = days.reduce((sum, day) => sum + day.completed, 0);
  const width = days.length * (BAR + GAP) - GAP;
  return (
    <figure className="shrink-0 text-right">
      <svg
        aria-hidden="true"
        viewBox={`0 0 ${width} ${HEIGHT}`}
        width={width}
        height={HEIGHT}
        className="ml-auto"
      >
        {days.map((day, index) => {
          const x = index * (BAR + GAP);
          const completed = (day.completed / most) * (HEIGHT - 2);
          const failed = (day.failed / most) * (HEIGHT - 2);
          return (
            <g key={day.date}>
              <title>{`${formatWeekday(day.date)}: ${day.completed} completed, ${day.failed} failed`}</title>
              <rect x={x} y={0} width={BAR} height={HEIGHT} fill="transparent" />
              <rect x={x} y={HEIGHT - 2} width={BAR} height={2} rx={1} fill="var(--line)" />
              {completed > 0 ? (
                <rect
                  x={x}
                  y={HEIGHT - completed}
                  width={BAR}
                  height={completed}
                  rx={1.5}
                  fill="var(--good-fill)"
                />
              ) : null}
              {failed > 0 ? (
                <rect
                  x={x}
                  y={Math.max(0, HEIGHT - completed - failed - 1)}
                  width={BAR}
                  height={failed}
                  rx={1.5}
                  fill="var(--bad-fill)"
                />
              ) : null}
            </g>
          );
        })}
      </svg>
      <figcaption className="tabular mt-1 text-2xs text-ink-faint">{formatCount(total)} completed</figcaption>
      <div className="sr-only">
        <table>
          <caption>Tasks a day</caption>
          <thead>
            <tr>
              <th scope="col">Day</th>
              <th scope="col">Completed</th>
              <th scope="col">Failed</th>
            </tr>
          </thead>
          <tbody>
            {days.map((day) => (
              <tr key={day.date}>
                <th scope="row">{formatWeekday(day.date)}</th>
                <td>{day.completed}</td>
                <td>{day.failed}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  );
}

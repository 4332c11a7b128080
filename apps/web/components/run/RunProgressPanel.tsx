import { Hourglass } from 'lucide-react';
import { Panel } from '@/components/ui/Panel';
import { ProgressBar } from '@/components/ui/ProgressBar';
import { TaskText } from '@/components/ui/TaskText';
import { RelativeTime } from '@/components/ui/Time';
import { formatCount, formatRate, plural } from '@/lib/formatNumber';
import type { RunProgressJson } from '@/lib/wire';
import { RunCountsBar } from './RunCountsBar';
import { RunUsage } from './RunUsage';

/** How far the run is, what it used up, what it waits for, and when it may be over. */
export function RunProgressPanel({ progress, timeZone }: { progress: RunProgressJson; timeZone: string }) {
  const { percent, counts, currentWave, waveCount, waitingFor, usage, eta } = progress;
  return (
    <Panel
      id="progress"
      title="Progress"
      aside={
        waveCount === 0 ? undefined : (
          <span className="tabular">
            at wave {currentWave} · {plural(waveCount, 'wave')}
          </span>
        )
      }
    >
      <div className="flex items-baseline justify-between gap-4">
        <p className="tabular text-2xl font-semibold tracking-tight" data-percent={percent}>
          {formatRate(percent)}
        </p>
        <p className="tabular text-sm text-ink-soft">
          {formatCount(counts.done)} of {formatCount(counts.total)} tasks done
        </p>
      </div>
      <div className="mt-2">
        <ProgressBar value={percent} label="Of the work, by estimates" />
      </div>
      <div className="mt-4">
        <RunCountsBar counts={counts} />
      </div>
      <RunUsage usage={usage} />
      {waitingFor.length === 0 ? null : (
        <>
          <h3 className="mt-5 text-xs text-ink-faint">Waits for</h3>
          <ul className="mt-1 space-y-1 text-sm">
            {waitingFor.map((sentence) => (
              <li key={sentence} className="flex gap-2">
                <Hourglass aria-hidden className="mt-0.5 size-4 shrink-0 text-ink-faint" />
                <span className="foreign min-w-0 line-clamp-3">
                  <TaskText text={sentence} />
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
      {eta === null ? null : (
        <p className="mt-5 text-xs text-ink-faint text-pretty">
          May be over{' '}
          <span className="font-medium text-ink-soft">
            <RelativeTime at={eta.at} timeZone={timeZone} />
          </span>
          . {eta.explanation}
        </p>
      )}
    </Panel>
  );
}

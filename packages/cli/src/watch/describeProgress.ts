import type { RunProgress } from '@neolith/contracts';
import { describeDuration } from '../output/duration.js';
import { plainLine } from '../output/terminal.js';

/** Never 100 before the end: nobody believes a bar that is full and goes on. Pure. */
export function formatPercent(percent: number): number {
  return percent >= 100 ? 100 : Math.min(99, Math.floor(percent));
}

/** How many tasks stand where, as far as there are any. Pure. */
export function describeCounts({ counts }: Pick<RunProgress, 'counts'>): string {
  const parts: [number, string][] = [
    [counts.inProgress, 'running'],
    [counts.merging, 'merging'],
    [counts.todo, 'ready'],
    [counts.blocked, 'waiting'],
    [counts.failed, 'failed'],
    [counts.cancelled, 'cancelled'],
  ];
  const said = parts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  return [`${counts.done}/${counts.total} done`, ...said].join(', ');
}

/** When a run may be over, and how that was computed. Pure. */
export function describeEta({ eta }: Pick<RunProgress, 'eta'>): string {
  if (eta === null) return '';
  return `about ${describeDuration(eta.seconds)} left (${formatClock(eta.at)}): ${plainLine(eta.explanation)}`;
}

/** One line of progress, for where nothing can be redrawn. Pure. */
export function describeProgress(progress: RunProgress): string {
  const eta = progress.eta === null ? '' : `, about ${describeDuration(progress.eta.seconds)} left`;
  return `${formatClock(progress.at)}  ${progress.status.toLowerCase()}  ${formatPercent(progress.percent)} %  ${describeCounts(progress)}${eta}`;
}

/** In the time zone of whoever watches. */
export function formatClock(at: Date): string {
  return at.toTimeString().slice(0, 8);
}

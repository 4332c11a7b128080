import type { RunProgress, RunStatus } from '@neolith/contracts';
import { describeDuration } from '../output/duration.js';
import { columnsOf, fitLine } from '../output/fitLine.js';
import { plainLine, type Style, type Terminal } from '../output/terminal.js';

export interface DrawOptions {
  readonly name: string;
  readonly columns: number;
  /** Lines at most, all in all. */
  readonly rows: number;
  readonly style: Terminal['style'];
}

const BAR_COLUMNS_MAX = 40;
const RUNNING_MAX = 8;
const WAITING_MAX = 3;

const STATUS_STYLE: Readonly<Record<RunStatus, Style>> = {
  PENDING: 'dim',
  RUNNING: 'cyan',
  PAUSED: 'yellow',
  QUARANTINED: 'red',
  SUCCEEDED: 'green',
  FAILED: 'red',
  CANCELLED: 'yellow',
};

/** How far a run is, as the few lines that are redrawn while it goes on. Pure. */
export function drawProgress(progress: RunProgress, options: DrawOptions): string[] {
  const { columns, style } = options;
  const line = (text: string, how?: Style): string => {
    const fitted = fitLine(text, columns);
    return how === undefined ? fitted : style(how, fitted);
  };
  const running = progress.running.slice(0, Math.max(1, Math.min(RUNNING_MAX, options.rows - 8)));
  const more = progress.running.length - running.length;
  const isIdle = progress.running.length === 0;
  return [
    drawHead(progress, options),
    drawBar(progress, options),
    ...running.map((task) => {
      const state = task.status === 'MERGING' ? 'merging' : `${String(task.progress).padStart(3)} %`;
      const since = describeDuration((progress.at.getTime() - task.since.getTime()) / 1_000);
      const head = `  ${state.padEnd(8)}`;
      const title = fitLine(plainLine(task.title), Math.max(8, columns - head.length - since.length - 3));
      return line(`${head}${title}  ${since}`);
    }),
    ...(more > 0 ? [line(`  … and ${more} more`, 'dim')] : []),
    ...progress.waitingFor
      .slice(0, WAITING_MAX)
      .map((reason) => line(`  waits: ${plainLine(reason)}`, isIdle ? 'yellow' : 'dim')),
    ...(progress.eta === null ? [] : [line(`  ${describeEta(progress)}`, 'dim')]),
  ];
}

function drawHead(progress: RunProgress, { name, columns, style }: DrawOptions): string {
  const waves = progress.waveCount > 1 ? `  wave ${progress.currentWave + 1} of ${progress.waveCount}` : '';
  const state = progress.status.toLowerCase();
  const title = fitLine(plainLine(name), Math.max(8, columns - state.length - waves.length - 3));
  return `${style('bold', title)}  ${style(STATUS_STYLE[progress.status], state)}${style('dim', waves)}`;
}

function drawBar(progress: RunProgress, { columns, style }: DrawOptions): string {
  const share = `${formatPercent(progress.percent)} %`;
  const counts = describeCounts(progress);
  const left = columns - columnsOf(share) - columnsOf(counts) - 5;
  const width = Math.min(BAR_COLUMNS_MAX, left);
  const text = `${share}  ${counts}`;
  if (width < 10) return fitLine(text, columns);
  const full = Math.floor((progress.percent / 100) * width);
  const bar = `${style('green', '█'.repeat(full))}${style('dim', '░'.repeat(width - full))}`;
  return `${bar}  ${text}`;
}

/** Never 100 before the end: nobody believes a bar that is full and goes on. */
function formatPercent(percent: number): number {
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

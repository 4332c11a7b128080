import type { RunProgress, RunStatus } from '@neolith/contracts';
import type { TaskRecord } from '@neolith/daemon';
import { describeUsage } from '../execute/describeUsage.js';
import { describeDuration } from '../output/duration.js';
import { columnsOf, fitLine } from '../output/fitLine.js';
import { plainLine, type Style, type Terminal } from '../output/terminal.js';

export interface DrawOptions {
  readonly name: string;
  readonly columns: number;
  /** Lines at most, all in all. */
  readonly rows: number;
  readonly style: Terminal['style'];
  /** What is known of attempts in this process, by task. */
  readonly records?: ReadonlyMap<string, TaskRecord>;
}

const BAR_COLUMNS_MAX = 40;
const RUNNING_MAX = 8;
const WAITING_MAX = 3;
const TITLE_COLUMNS_MIN = 8;
/** So much of a title is worth more than what stands beside it. */
const TITLE_COLUMNS_GOOD = 24;
const TASK_BAR_COLUMNS = 8;

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
    ...running.map((task) => drawTask(task, progress.at, options)),
    ...(more > 0 ? [line(`  … and ${more} more`, 'dim')] : []),
    ...progress.waitingFor
      .slice(0, WAITING_MAX)
      .map((reason) => line(`  waits: ${plainLine(reason)}`, isIdle ? 'yellow' : 'dim')),
    ...(progress.eta === null ? [] : [line(`  ${describeEta(progress)}`, 'dim')]),
  ];
}

/** Phase, bar and title; beside them what there is room for, the most telling first. */
function drawTask(
  task: RunProgress['running'][number],
  at: Date,
  { columns, style, records }: DrawOptions,
): string {
  const record = records?.get(task.taskId);
  const phase = task.status === 'MERGING' ? 'merging' : record?.phase === 'starting' ? 'starting' : 'working';
  const full = Math.floor((task.progress / 100) * TASK_BAR_COLUMNS);
  const bar = `${'█'.repeat(full)}${'░'.repeat(TASK_BAR_COLUMNS - full)}`;
  const head = `  ${phase.padEnd(9)}${bar} ${String(task.progress).padStart(3)} %  `;
  const facts = [
    describeDuration((at.getTime() - task.since.getTime()) / 1_000),
    record?.agent ?? '',
    describeUsage(record?.usage ?? {}),
    plainLine(record?.message ?? ''),
  ].filter((fact) => fact !== '');
  let room = columns - columnsOf(head) - TITLE_COLUMNS_GOOD;
  const shown: string[] = [];
  for (const fact of facts) {
    room -= columnsOf(fact) + 2;
    if (room < 0 && shown.length > 0) break;
    shown.push(fact);
  }
  const beside = shown.join('  ');
  const left = columns - columnsOf(head) - columnsOf(beside) - 2;
  if (left < TITLE_COLUMNS_MIN) return fitLine(`  ${plainLine(task.title)}`, columns);
  const title = fitLine(plainLine(task.title), left);
  return `${style(phase === 'merging' ? 'cyan' : 'dim', head)}${title}  ${style('dim', beside)}`;
}

function drawHead(progress: RunProgress, { name, columns, style }: DrawOptions): string {
  const state = progress.status.toLowerCase();
  const wave = progress.waveCount > 1 ? `  wave ${progress.currentWave + 1} of ${progress.waveCount}` : '';
  const roomBeside = (rest: string): number => columns - rest.length - state.length - 2;
  // Where both don't fit, how it stands is worth more than which wave is open.
  const waves = roomBeside(wave) < TITLE_COLUMNS_MIN ? '' : wave;
  if (roomBeside(waves) < TITLE_COLUMNS_MIN) return fitLine(`${state}  ${plainLine(name)}`, columns);
  const title = fitLine(plainLine(name), roomBeside(waves));
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

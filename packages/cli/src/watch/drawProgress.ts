import type { RunProgress, RunStatus } from '@neolith/contracts';
import { type AgentUsage, sumUsage, type TaskRecord } from '@neolith/daemon';
import { describeUsage } from '../execute/describeUsage.js';
import { describeDuration } from '../output/duration.js';
import { columnsOf, fitLine, padLine } from '../output/fitLine.js';
import { plainLine, type Style, type Terminal } from '../output/terminal.js';
import { describeCounts, describeEta, formatPercent } from './describeProgress.js';

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
/** Head, bar, `and more`, what it waits for and the ETA. */
const LINES_BESIDE = 7;
const WAITING_MAX = 3;
const TITLE_COLUMNS_MIN = 8;
/** So much of a title is worth more than what stands beside it. */
const TITLE_COLUMNS_GOOD = 24;
const TASK_BAR_COLUMNS = 8;
const MESSAGE_COLUMNS_MIN = 12;

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
  const running = progress.running.slice(0, Math.max(1, options.rows - LINES_BESIDE));
  const more = progress.running.length - running.length;
  const isIdle = progress.running.length === 0;
  return [
    drawHead(progress, options),
    drawBar(progress, options),
    ...drawTasks(running, progress.at, options),
    ...(more > 0 ? [line(`  … and ${more} more`, 'dim')] : []),
    ...progress.waitingFor
      .slice(0, WAITING_MAX)
      .map((reason) => line(`  waits: ${plainLine(reason)}`, isIdle ? 'yellow' : 'dim')),
    ...(progress.eta === null ? [] : [line(`  ${describeEta(progress)}`, 'dim')]),
  ];
}

interface TaskRow {
  readonly phase: string;
  readonly head: string;
  readonly title: string;
  /** The most telling first; an empty one is not known. */
  readonly facts: readonly string[];
  readonly isLate: boolean;
}

function describeRow(
  task: RunProgress['running'][number],
  at: Date,
  record: TaskRecord | undefined,
): TaskRow {
  const phase = task.status === 'MERGING' ? 'merging' : record?.phase === 'starting' ? 'starting' : 'working';
  const full = Math.floor((task.progress / 100) * TASK_BAR_COLUMNS);
  const bar = `${'█'.repeat(full)}${'░'.repeat(TASK_BAR_COLUMNS - full)}`;
  const endsAt = record?.endsAt ?? null;
  const isLate = endsAt !== null && phase === 'working';
  const running = describeDuration((at.getTime() - task.since.getTime()) / 1_000);
  const left = isLate ? `, ended in ${describeDuration((endsAt.getTime() - at.getTime()) / 1_000)}` : '';
  return {
    phase,
    head: `  ${phase.padEnd(9)}${bar} ${String(task.progress).padStart(3)} %  `,
    title: plainLine(task.title),
    facts: [
      `${running}${left}`,
      record?.agent ?? '',
      describeUsage(record?.usage ?? {}),
      plainLine(record?.planPhase ?? ''),
      plainLine(record?.message ?? ''),
    ],
    isLate,
  };
}

/** Phase, bar and title of each; beside them what there is room for, one under the other. */
function drawTasks(
  tasks: RunProgress['running'],
  at: Date,
  { columns, style, records }: DrawOptions,
): string[] {
  const rows = tasks.map((task) => describeRow(task, at, records?.get(task.taskId)));
  const widest = (texts: readonly string[]): number => Math.max(0, ...texts.map(columnsOf));
  const titleWanted = widest(rows.map(({ title }) => title));
  let room = columns - widest(rows.map(({ head }) => head));
  const widths: number[] = [];
  const facts = rows[0]?.facts ?? [];
  for (const [place] of facts.entries()) {
    const wanted = widest(rows.map((row) => row.facts[place] ?? ''));
    const left = room - Math.min(titleWanted, TITLE_COLUMNS_GOOD) - 2;
    const isLast = place === facts.length - 1;
    // What was said last may be cut, the others are worth nothing then; how long it has run is always told.
    const width = place === 0 || wanted <= left ? wanted : isLast && left >= MESSAGE_COLUMNS_MIN ? left : 0;
    widths.push(width);
    if (width > 0) room -= width + 2;
  }
  if (room < TITLE_COLUMNS_MIN) return rows.map(({ title }) => fitLine(`  ${title}`, columns));
  const titleColumns = Math.min(titleWanted, room);
  return rows.map((row) => {
    const beside = widths
      .flatMap((width, place) =>
        width === 0 ? [] : [padLine(fitLine(row.facts[place] ?? '', width), width)],
      )
      .join('  ')
      .trimEnd();
    const title = padLine(fitLine(row.title, titleColumns), titleColumns);
    const head = style(row.phase === 'merging' ? 'cyan' : 'dim', row.head);
    return `${head}${title}  ${style(row.isLate ? 'yellow' : 'dim', beside)}`;
  });
}

function drawHead(progress: RunProgress, { name, columns, style, records }: DrawOptions): string {
  const state = progress.status.toLowerCase();
  const wave = progress.waveCount > 1 ? `  wave ${progress.currentWave + 1} of ${progress.waveCount}` : '';
  const usage = describeUsage(usageSoFar(progress, records));
  const used = usage === '' ? '' : `  ${usage}`;
  const roomBeside = (rest: string): number => columns - rest.length - state.length - 2;
  // Where not all fits, how it stands is worth more than which wave is open, and that more than what it cost.
  const fits = (rest: string): boolean =>
    roomBeside(rest) >=
    Math.max(TITLE_COLUMNS_MIN, rest === wave ? 0 : Math.min(columnsOf(name), TITLE_COLUMNS_GOOD));
  const waves = fits(`${wave}${used}`) ? `${wave}${used}` : fits(wave) ? wave : '';
  if (roomBeside(waves) < TITLE_COLUMNS_MIN) return fitLine(`${state}  ${plainLine(name)}`, columns);
  const title = fitLine(plainLine(name), roomBeside(waves));
  return `${style('bold', title)}  ${style(STATUS_STYLE[progress.status], state)}${style('dim', waves)}`;
}

/** Of the attempts that ended, wherever they ran, and of those that run here. Pure. */
function usageSoFar(
  { usage, running }: Pick<RunProgress, 'usage' | 'running'>,
  records: DrawOptions['records'],
): AgentUsage {
  const ended: AgentUsage[] =
    usage === null
      ? []
      : [
          {
            inputTokens: usage.inputTokens,
            outputTokens: usage.outputTokens,
            ...(usage.costUsd === null ? {} : { costUsd: usage.costUsd }),
          },
        ];
  return sumUsage([...ended, ...running.map(({ taskId }) => records?.get(taskId)?.usage ?? null)]);
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

import type { TaskStatus } from '@neolith/contracts';
import type { ExecutionSummary, TaskSummary } from '@neolith/daemon';
import { describeDuration } from '../output/duration.js';
import { EXIT } from '../output/exitCodes.js';
import { columnsOf, fitLine, padLine, wrapLine } from '../output/fitLine.js';
import { plural } from '../output/plural.js';
import { quoteArgument } from '../output/quoteArgument.js';
import { plainLine, type Style, type Terminal } from '../output/terminal.js';
import { describeCounts } from '../watch/describeProgress.js';
import { describeRemedies, type Remedy, remediesOf } from '../watch/runEnding.js';
import { describeUsage } from './describeUsage.js';
import { summariseError } from './summariseError.js';

export interface ReportOptions {
  readonly json: boolean;
  readonly exitCode: number;
  /** Where the work was merged; null: nothing was to be merged. */
  readonly merged: MergedPlace | null;
  /** Goes on with the run, as it was begun. */
  readonly goOn: string;
  /** Of the repository, for other commands; empty where it is that of the current directory. */
  readonly repositoryFlags: string;
  /** The server ends with this command, so other commands can't be told to use it. */
  readonly isOwnServer: boolean;
}

export interface MergedPlace {
  readonly branch: string;
  /** `git`, or `git -C PATH` where the current directory lies in another repository, or in none. */
  readonly git: string;
  /** The branch is one of the run, and whoever looks has it still to take over. */
  readonly isOfRun: boolean;
}

const ICONS: Readonly<Record<TaskStatus, readonly [string, Style]>> = {
  DONE: ['✓', 'green'],
  FAILED: ['✗', 'red'],
  CANCELLED: ['⊘', 'yellow'],
  BLOCKED: ['!', 'yellow'],
  MERGING: ['⇢', 'cyan'],
  IN_PROGRESS: ['▸', 'cyan'],
  TODO: ['·', 'dim'],
};

/** A run of thousands tells of those that need somebody, and counts the others. */
const DONE_SHOWN_MAX = 50;
const TITLE_COLUMNS_MIN = 12;
/** On a narrower terminal titles are worth more than what each task has used. */
const COLUMNS_FOR_USAGE = 100;
const WHY_LINES_MAX = 4;

/** The last words of an execution: what became of each task, what it took, where the work is, and what to do next. */
export function reportExecution(terminal: Terminal, summary: ExecutionSummary, options: ReportOptions): void {
  if (options.json) {
    const kind = options.exitCode === EXIT.interrupted ? 'interrupted' : 'ended';
    terminal.jsonLine({ kind, ...summary, exitCode: options.exitCode });
    return;
  }
  const { run } = summary;
  terminal.out();
  for (const line of describeTasks(summary, terminal)) terminal.out(line);
  terminal.out();
  const style = run.status === 'SUCCEEDED' ? 'green' : run.status === 'PAUSED' ? 'yellow' : 'red';
  const usage = describeUsage(summary.usage);
  terminal.out(
    [
      terminal.style(style, run.status.toLowerCase()),
      ` after ${describeDuration(summary.durationMs / 1_000)}: ${describeCounts(run)}`,
      usage === '' ? '' : `, ${usage}`,
    ].join(''),
  );
  if (run.reason !== null)
    for (const line of wrapLine(plainLine(run.reason), terminal.columns(), '  ')) terminal.out(line);
  for (const line of describeNext(summary, options)) terminal.out(line);
}

function describeTasks({ tasks }: ExecutionSummary, terminal: Terminal): string[] {
  const done = tasks.filter(({ status }) => status === 'DONE');
  const shown = done.length > DONE_SHOWN_MAX ? tasks.filter(({ status }) => status !== 'DONE') : tasks;
  const columns = terminal.columns();
  const facts = shown.map((task) => describeFacts(task, columns >= COLUMNS_FOR_USAGE));
  const titleColumns = Math.max(
    TITLE_COLUMNS_MIN,
    Math.min(
      Math.max(0, ...shown.map(({ title }) => columnsOf(plainLine(title)))),
      columns - Math.max(0, ...facts.map(columnsOf)) - 4,
    ),
  );
  return [
    ...shown.flatMap((task, place) => describeTask(task, facts[place] ?? '', titleColumns, terminal)),
    ...(shown.length < tasks.length ? [terminal.style('dim', `  and ${done.length} that are done`)] : []),
  ];
}

function describeFacts({ record }: TaskSummary, withUsage: boolean): string {
  if (record === null) return '';
  const usage = withUsage ? describeUsage(record.usage ?? {}) : '';
  return [
    ...(record.agent === null ? [] : [record.agent]),
    ...(record.reusedFrom === null ? [] : [`reused from ${record.reusedFrom}`]),
    ...(record.durationMs === null ? [] : [describeDuration(record.durationMs / 1_000)]),
    ...(record.files > 0 ? [plural(record.files, 'file')] : []),
    ...(usage === '' ? [] : [usage]),
    ...(record.number > 1 ? [`try ${record.number}`] : []),
  ].join('  ');
}

function describeTask(task: TaskSummary, facts: string, titleColumns: number, terminal: Terminal): string[] {
  const isWaiting = task.status === 'BLOCKED' && task.blockedReason === null;
  const [icon, style] = ICONS[isWaiting ? 'TODO' : task.status];
  const { record } = task;
  const title = plainLine(task.title);
  const head =
    facts === ''
      ? fitLine(title, terminal.columns() - 2)
      : `${padLine(fitLine(title, titleColumns), titleColumns)}  ${terminal.style('dim', facts)}`;
  const wrap = (text: string): string[] => wrapLine(text, terminal.columns(), '    ');
  const why = describeWhy(task);
  return [
    `${terminal.style(style, icon)} ${head}`,
    ...(why === null ? [] : wrap(why).slice(0, WHY_LINES_MAX)),
    ...(record === null || record.kept === null || record.branch === null
      ? []
      : wrap(`kept: ${record.branch}, ${plainLine(record.kept)}`).map((line) => terminal.style('dim', line))),
  ];
}

/** Why a task is not done, as far as it is known. */
function describeWhy({ status, record, blockedReason, waitsFor }: TaskSummary): string | null {
  if (status === 'DONE') return null;
  const why = record?.error ?? blockedReason;
  if (why !== null && why !== undefined) return summariseError(why);
  const [first, ...others] = waitsFor;
  if (first === undefined) return null;
  return `waits for ${plainLine(first)}${others.length === 0 ? '' : ` and ${others.length} more`}`;
}

function describeNext({ run, tasks, keptBranches }: ExecutionSummary, options: ReportOptions): string[] {
  const { merged, repositoryFlags } = options;
  const isAnyDone = tasks.some(({ status }) => status === 'DONE');
  return describeRemedies([
    ...(merged === null || !isAnyDone ? [] : remediesOfMerged(merged)),
    ...(run.status === 'SUCCEEDED' ? [] : [{ what: 'Go on with what is not done', command: options.goOn }]),
    ...(options.isOwnServer ? [] : remediesOf(run)),
    ...(keptBranches.length === 0
      ? []
      : [
          {
            what: `What became of ${plural(keptBranches.length, 'kept worktree')}, and what can go`,
            command: `neolith cleanup --dry-run${repositoryFlags}`,
          },
        ]),
  ]);
}

function remediesOfMerged({ branch, git, isOfRun }: MergedPlace): Remedy[] {
  const name = quoteArgument(branch);
  if (!isOfRun) return [{ what: 'The work, merged', command: `${git} log --oneline ${name}` }];
  return [
    { what: 'The work, merged', command: `${git} log --oneline HEAD..${name}` },
    { what: 'Take it over into the branch that is checked out', command: `${git} merge ${name}` },
  ];
}

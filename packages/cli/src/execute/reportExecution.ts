import type { TaskStatus } from '@neolith/contracts';
import type { ExecutionSummary, TaskSummary } from '@neolith/daemon';
import { describeDuration } from '../output/duration.js';
import { EXIT } from '../output/exitCodes.js';
import { columnsOf, fitLine } from '../output/fitLine.js';
import { plainLine, type Style, type Terminal } from '../output/terminal.js';
import { describeCounts } from '../watch/drawProgress.js';
import { remediesOf } from '../watch/runEnding.js';
import { describeUsage } from './describeUsage.js';

export interface ReportOptions {
  readonly json: boolean;
  readonly exitCode: number;
  /** Into which the work was merged; null: nothing was to be merged. */
  readonly targetBranch: string | null;
  /** The server ends with this command, so other commands can't be told to use it. */
  readonly isOwnServer: boolean;
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

const COLUMNS_WITHOUT_TERMINAL = 120;
/** A run of thousands tells of those that need somebody, and counts the others. */
const DONE_SHOWN_MAX = 50;

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
      run.reason === null ? '' : `. ${plainLine(run.reason)}`,
    ].join(''),
  );
  for (const line of describeNext(summary, options)) terminal.out(terminal.style('dim', `  ${line}`));
}

function describeTasks({ tasks }: ExecutionSummary, terminal: Terminal): string[] {
  const done = tasks.filter(({ status }) => status === 'DONE');
  const shown = done.length > DONE_SHOWN_MAX ? tasks.filter(({ status }) => status !== 'DONE') : tasks;
  const columns = terminal.isTerminal ? process.stdout.columns || 80 : COLUMNS_WITHOUT_TERMINAL;
  return [
    ...shown.flatMap((task) => describeTask(task, terminal, columns)),
    ...(shown.length < tasks.length ? [terminal.style('dim', `  and ${done.length} that are done`)] : []),
  ];
}

function describeTask(task: TaskSummary, terminal: Terminal, columns: number): string[] {
  const [icon, style] = ICONS[task.status];
  const { record } = task;
  const facts = [
    ...(record?.agent ? [record.agent] : []),
    ...(record?.reusedFrom ? [`reused from ${record.reusedFrom}`] : []),
    ...(record?.durationMs ? [describeDuration(record.durationMs / 1_000)] : []),
    ...(record !== null && record.files > 0
      ? [`${record.files} ${record.files === 1 ? 'file' : 'files'}`]
      : []),
    ...(record !== null && record.number > 1 ? [`try ${record.number}`] : []),
  ].join('  ');
  const title = fitLine(plainLine(task.title), Math.max(10, columns - columnsOf(facts) - 6));
  const why = task.status === 'DONE' ? null : (record?.error ?? task.blockedReason);
  return [
    `${terminal.style(style, icon)} ${title}${facts === '' ? '' : `  ${terminal.style('dim', facts)}`}`,
    ...(why === null ? [] : [fitLine(`    ${plainLine(why)}`, columns)]),
    ...(record === null || record.kept === null || record.branch === null
      ? []
      : [terminal.style('dim', fitLine(`    kept: ${record.branch} (${plainLine(record.kept)})`, columns))]),
  ];
}

function describeNext({ run, keptBranches }: ExecutionSummary, options: ReportOptions): string[] {
  const { targetBranch } = options;
  const again = run.status === 'PAUSED' || run.status === 'RUNNING' ? '' : ' --resume';
  return [
    ...(targetBranch === null ? [] : [`git log ${targetBranch}         the work, merged`]),
    ...(run.status === 'SUCCEEDED' ? [] : [`neolith execute --run ${run.id}${again}   go on`]),
    ...(options.isOwnServer ? [] : remediesOf(run)),
    ...(keptBranches.length === 0
      ? []
      : [`neolith cleanup         what became of ${keptBranches.length} kept worktrees`]),
  ];
}

import type { Daemon, OrchestratorOverview, Run } from '@neolith/contracts';
import { abbreviateIds } from '../connection/findRun.js';
import { describeDuration } from '../output/duration.js';
import { fitLine } from '../output/fitLine.js';
import { plural } from '../output/plural.js';
import { formatTable } from '../output/table.js';
import { plainLine, type Terminal } from '../output/terminal.js';
import type { RunningAttempt } from './findRunning.js';
import type { FoundWorktree, FoundWorktrees } from './findWorktrees.js';

const RUNS_SHOWN_MAX = 8;
const WORKTREES_SHOWN_MAX = 10;
const NAME_COLUMNS_MAX = 44;

/** Who there is, and how much waits. Pure. */
export function orchestratorTable(overviews: readonly OrchestratorOverview[], terminal: Terminal): string[] {
  if (overviews.length === 0) return ['There is no orchestrator yet.'];
  const [head = '', ...rows] = formatTable(
    ['Orchestrator', 'Status', 'Daemon', 'Running', 'Ready', 'Blocked', 'Backlog', 'Success'],
    overviews.map(({ orchestrator, daemonAlive, running, backlog, successRate }) => [
      plainLine(orchestrator.name),
      orchestrator.status.toLowerCase(),
      daemonAlive ? 'alive' : '–',
      `${running.length}/${orchestrator.maxConcurrentTasks}`,
      backlog.ready,
      backlog.blocked,
      backlog.total,
      successRate === null ? '–' : `${Math.round(successRate)} %`,
    ]),
  );
  return [terminal.style('bold', head), ...rows];
}

/** Those that run; the others are counted. Pure. */
export function daemonTable(daemons: readonly Daemon[], terminal: Terminal): string[] {
  if (daemons.length === 0)
    return ['No daemon has registered: nothing is executed. Start one: neolith daemon --help'];
  const shown = daemons.filter(({ state }) => state !== 'STOPPED');
  const stopped = daemons.length - shown.length;
  if (shown.length === 0) return [`No daemon runs (${stopped} have stopped): nothing is executed.`];
  const [head = '', ...rows] = formatTable(
    ['Daemon', 'State', 'Slots', 'Serves', 'Seen'],
    shown.map((daemon) => [
      fitLine(plainLine(daemon.name), NAME_COLUMNS_MAX),
      daemon.state.toLowerCase(),
      daemon.slots,
      daemon.orchestratorIds.length,
      describeAge(Date.now() - daemon.lastSeenAt.getTime()),
    ]),
  );
  return [
    terminal.style('bold', head),
    ...rows,
    ...(stopped === 0 ? [] : [terminal.style('dim', `and ${stopped} that have stopped`)]),
  ];
}

/** Those that are not over, and of the others the last. */
export function describeRuns(runs: readonly Run[], terminal: Terminal): string[] {
  const open = runs.filter(({ status }) => status !== 'SUCCEEDED' && status !== 'CANCELLED');
  const shown = (open.length > 0 ? open : runs.slice(0, 1)).slice(0, RUNS_SHOWN_MAX);
  if (shown.length === 0) return [];
  const short = abbreviateIds(runs.map(({ id }) => id));
  const [head = '', ...rows] = formatTable(
    ['Run', 'Status', 'Done', 'Tasks', 'Age', 'Name'],
    shown.map((run) => [
      short.get(run.id) ?? run.id,
      run.status.toLowerCase(),
      run.counts.done,
      run.counts.total,
      describeDuration((Date.now() - run.createdAt.getTime()) / 1_000),
      plainLine(run.name),
    ]),
  );
  return [
    terminal.style('bold', head),
    ...rows.map((row) => fitLine(row, terminal.columns())),
    ...(runs.length > shown.length ? [terminal.style('dim', 'All of them: neolith runs')] : []),
  ];
}

/** What goes on, each with its branch and its last words. Pure. */
export function describeRunning(
  running: readonly RunningAttempt[],
  worktrees: readonly FoundWorktree[],
  terminal: Terminal,
): string[] {
  if (running.length === 0) return [];
  const branches = new Map(worktrees.map(({ attemptId, branch }) => [attemptId, branch]));
  const [head = '', ...rows] = formatTable(
    ['Running', 'For', 'Agent', 'Task'],
    running.map(({ progress, startedAt, agent, number, title }) => [
      `${progress} %`,
      describeDuration((Date.now() - startedAt.getTime()) / 1_000),
      plainLine(agent ?? '–'),
      `${plainLine(title)}${number > 1 ? ` (try ${number})` : ''}`,
    ]),
  );
  return [
    terminal.style('bold', head),
    ...rows.flatMap((row, place) => {
      const attempt = running[place];
      const branch = attempt === undefined ? undefined : branches.get(attempt.attemptId);
      const said =
        attempt?.lastOutput == null
          ? (attempt?.message ?? '')
          : `${describeAge(Date.now() - attempt.lastOutput.at.getTime())}: ${attempt.lastOutput.text}`;
      const details = [attempt?.taskId, branch, said === '' ? undefined : plainLine(said)];
      return [
        fitLine(row, terminal.columns()),
        ...details.flatMap((detail) =>
          detail === undefined ? [] : [terminal.style('dim', fitLine(`  ${detail}`, terminal.columns()))],
        ),
      ];
    }),
  ];
}

/** Those of this repository; of others how many. Pure. */
export function describeWorktrees(
  { repository, worktrees, elsewhere }: FoundWorktrees,
  terminal: Terminal,
): string[] {
  if (worktrees.length + elsewhere === 0) return [];
  const shown = worktrees.slice(0, WORKTREES_SHOWN_MAX);
  const [head = '', ...rows] = formatTable(
    ['Worktree', 'Age', 'Branch'],
    shown.map(({ isHeld, createdAt, branch }) => [
      isHeld ? 'held' : 'kept',
      describeDuration((Date.now() - createdAt.getTime()) / 1_000),
      branch,
    ]),
  );
  return [
    ...(shown.length === 0
      ? []
      : [
          terminal.style('bold', fitLine(`${head}  of ${plainLine(repository ?? '')}`, terminal.columns())),
          ...rows,
        ]),
    ...(worktrees.length > shown.length ? [`and ${worktrees.length - shown.length} more`] : []),
    ...(worktrees.length > 0 ? [terminal.style('dim', 'Which can go: neolith cleanup --dry-run')] : []),
    ...(elsewhere > 0
      ? [terminal.style('dim', `${plural(elsewhere, 'worktree')} of other repositories`)]
      : []),
  ];
}

function describeAge(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min ago`;
  return seconds < 172_800
    ? `${Math.round(seconds / 3_600)} h ago`
    : `${Math.round(seconds / 86_400)} days ago`;
}

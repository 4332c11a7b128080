import {
  type Backoff,
  DEFAULT_BACKOFF,
  type EngineEvent,
  type Run,
  type RunProgress,
  type RunStatus,
} from '@neolith/contracts';
import { neolithHome } from '@neolith/database/home';
import { findTask } from '../connection/findAttempt.js';
import { abbreviateIds, findRun, listAllRuns } from '../connection/findRun.js';
import { type ConnectionFlags, resolveConnection } from '../connection/resolveConnection.js';
import { CommandError } from '../output/commandError.js';
import { describeDuration } from '../output/duration.js';
import { formatTable } from '../output/table.js';
import { plainLine, type Terminal } from '../output/terminal.js';
import { describeCounts, describeEta } from '../watch/describeProgress.js';

export interface RunsFlags extends ConnectionFlags {
  readonly json?: true;
}

/** `neolith runs`: all of them, newest first. */
export async function listRuns(
  terminal: Terminal,
  options: RunsFlags & { readonly status?: RunStatus },
): Promise<void> {
  const { client } = resolveConnection(options, process.env, neolithHome());
  const runs = await listAllRuns(client, options.status);
  if (options.json) {
    terminal.json({ runs });
    return;
  }
  if (runs.length === 0) {
    terminal.out(
      options.status === undefined
        ? 'There is no run yet. Import a plan: neolith import PLAN'
        : `No run is ${options.status.toLowerCase()}.`,
    );
    return;
  }
  const short = abbreviateIds(runs.map(({ id }) => id));
  const [head = '', ...rows] = formatTable(
    ['Run', 'Status', 'Done', 'Tasks', 'Running', 'Failed', 'Age', 'Name'],
    runs.map((run) => [
      short.get(run.id) ?? run.id,
      run.status.toLowerCase(),
      run.counts.done,
      run.counts.total,
      run.counts.inProgress + run.counts.merging,
      run.counts.failed,
      describeDuration((Date.now() - run.createdAt.getTime()) / 1_000),
      plainLine(run.name),
    ]),
  );
  terminal.out(terminal.style('bold', head));
  for (const row of rows) terminal.out(row);
}

/** `neolith runs show RUN`. */
export async function showRun(terminal: Terminal, wanted: string, options: RunsFlags): Promise<void> {
  const { client } = resolveConnection(options, process.env, neolithHome());
  const { id } = await findRun(client, wanted);
  const [run, progress] = await Promise.all([
    client.getRun({ params: { id } }),
    client.getRunProgress({ params: { id }, timeoutMs: 60_000 }),
  ]);
  const failed =
    run.counts.failed === 0
      ? []
      : (await client.listTasks({ query: { runId: id, status: 'FAILED', limit: 20 } })).tasks;
  if (options.json) {
    terminal.json({ run, progress, failed });
    return;
  }
  const label = (text: string): string => `  ${text.padEnd(10)} `;
  terminal.out(`${terminal.style('bold', plainLine(run.name))}  ${run.status.toLowerCase()}`);
  terminal.out(`${label('id')}${run.id}`);
  if (run.source !== null) terminal.out(`${label('source')}${plainLine(run.source)}`);
  if (run.reason !== null) terminal.out(`${label('reason')}${plainLine(run.reason)}`);
  if (run.dueAt !== null) terminal.out(`${label('due')}${run.dueAt.toISOString()}`);
  terminal.out(`${label('progress')}${Math.floor(progress.percent)} %  ${describeCounts(progress)}`);
  terminal.out(`${label('limits')}${describeLimits(run)}`);
  if (progress.eta !== null) terminal.out(`${label('eta')}${describeEta(progress)}`);
  for (const reason of progress.waitingFor) terminal.out(`${label('waits')}${plainLine(reason)}`);
  printWaves(terminal, progress);
  printTasks(terminal, 'Running', progress.running, (task) => [
    task.status === 'MERGING' ? 'merging' : `${task.progress} %`,
    describeDuration((progress.at.getTime() - task.since.getTime()) / 1_000),
    plainLine(task.title),
  ]);
  printTasks(terminal, 'Failed', failed, (task) => [task.id, plainLine(task.title)]);
}

function describeLimits({ config }: Run): string {
  const { maxConcurrentTasks, maxConcurrentMerges, waves, mergeStage, failurePolicy } = config;
  return [
    `${maxConcurrentTasks} tasks at once`,
    mergeStage ? `${maxConcurrentMerges} merges at once` : 'no merge stage',
    waves === 'strict' ? 'strict waves' : 'no waves',
    `on failures ${failurePolicy}`,
    ...describeBackoff(config.backoff),
    ...(config.timeoutSeconds === null ? [] : [`at most ${describeDuration(config.timeoutSeconds)}`]),
  ].join(', ');
}

/** How long failed tasks wait; nothing where it is as by default. */
function describeBackoff({ baseSeconds, factor, capSeconds }: Backoff): string[] {
  const { baseSeconds: base, factor: grows, capSeconds: cap } = DEFAULT_BACKOFF;
  if (baseSeconds === base && factor === grows && capSeconds === cap) return [];
  const first = Math.min(baseSeconds, capSeconds);
  if (first === 0) return ['retries at once'];
  const isFixed = factor === 1 || baseSeconds >= capSeconds;
  const rest = isFixed ? '' : `, × ${factor} each time, at most ${describeDuration(capSeconds)}`;
  return [`retries within ${describeDuration(first)}${rest}`];
}

const WAVES_SHOWN = 20;

/** Of many waves those around the current one. */
function printWaves(terminal: Terminal, { waves, currentWave }: RunProgress): void {
  if (waves.length < 2) return;
  const current = Math.max(
    0,
    waves.findIndex(({ wave }) => wave === currentWave),
  );
  const start = Math.max(0, Math.min(current - 3, waves.length - WAVES_SHOWN));
  const shown = waves.slice(start, start + WAVES_SHOWN);
  terminal.out();
  const [head = '', ...rows] = formatTable(
    ['Wave', 'Tasks', 'Over', 'Live', 'Waiting'],
    shown.map(({ wave, total, live, blocked }) => [wave + 1, total, total - live - blocked, live, blocked]),
  );
  terminal.out(`  ${terminal.style('bold', head)}`);
  for (const [index, row] of rows.entries()) {
    const isCurrent = start + index === current;
    terminal.out(isCurrent ? `> ${terminal.style('cyan', row)}` : `  ${row}`);
  }
  if (shown.length < waves.length)
    terminal.out(terminal.style('dim', `  ${shown.length} of ${waves.length} waves; --json lists all`));
}

function printTasks<T>(
  terminal: Terminal,
  title: string,
  tasks: readonly T[],
  cells: (task: T) => readonly string[],
): void {
  if (tasks.length === 0) return;
  terminal.out();
  terminal.out(terminal.style('bold', title));
  for (const task of tasks) terminal.out(`  ${cells(task).join('  ')}`);
}

export type RunVerb = 'start' | 'pause' | 'resume' | 'stop' | 'release' | 'retry' | 'reset' | 'complete';

/** `neolith runs start RUN` and its like: moves a run along its state table. */
export async function moveRun(
  terminal: Terminal,
  verb: RunVerb,
  wanted: string,
  options: RunsFlags & { readonly reason?: string; readonly task?: string },
): Promise<void> {
  const { client } = resolveConnection(options, process.env, neolithHome());
  const { id, status: before } = await findRun(client, wanted);
  const call = {
    params: { id },
    body: options.reason === undefined ? {} : { reason: options.reason },
    timeoutMs: 120_000,
  };
  const run = await {
    start: client.startRun,
    pause: client.pauseRun,
    resume: client.resumeRun,
    stop: client.stopRun,
    release: client.releaseRun,
    retry: async () =>
      client.retryRun(
        options.task === undefined
          ? call
          : { ...call, body: { ...call.body, taskId: (await findTask(client, options.task)).id } },
      ),
    reset: client.resetRun,
    complete: client.completeRun,
  }[verb](call);
  if (options.json) {
    terminal.json({ run });
    return;
  }
  const running = run.counts.inProgress + run.counts.merging;
  terminal.out(`${plainLine(run.name)}: ${before.toLowerCase()} → ${run.status.toLowerCase()}`);
  if (running > 0 && (verb === 'pause' || verb === 'stop')) {
    const what = verb === 'pause' ? 'may finish' : 'end as soon as their processes have ended';
    terminal.out(`  ${running} running ${running === 1 ? 'task' : 'tasks'} ${what}.`);
  }
}

/** `neolith runs delete RUN`: asks nothing, but wants to be meant. */
export async function deleteRun(
  terminal: Terminal,
  wanted: string,
  options: RunsFlags & { readonly yes?: true },
): Promise<void> {
  const { client } = resolveConnection(options, process.env, neolithHome());
  const run = await findRun(client, wanted);
  if (options.yes !== true) {
    throw new CommandError(
      'usage',
      'CONFIRMATION_MISSING',
      `This deletes ${plainLine(run.name)} (${run.id}) with its ${run.counts.total} tasks; their history stays. Say that you mean it: --yes.`,
    );
  }
  await client.deleteRun({ params: { id: run.id }, timeoutMs: 120_000 });
  if (options.json) terminal.json({ deleted: run.id });
  else terminal.out(`Deleted ${plainLine(run.name)} (${run.id}).`);
}

const HISTORY_PAGE = 500;

/** `neolith runs history RUN`: every event of the run and its tasks, oldest first. */
export async function showHistory(
  terminal: Terminal,
  wanted: string,
  options: RunsFlags & { readonly limit?: number },
): Promise<void> {
  const { client } = resolveConnection(options, process.env, neolithHome());
  const { id } = await findRun(client, wanted);
  const titles = options.json ? new Map<string, string>() : await readTitles();
  const events: EngineEvent[] = [];
  let cursor: string | undefined;
  for (;;) {
    const page = await client.getRunHistory({
      params: { id },
      query: { limit: HISTORY_PAGE, ...(cursor === undefined ? {} : { cursor }) },
    });
    events.push(...page.events);
    cursor = page.cursor;
    if (page.events.length < HISTORY_PAGE) break;
  }
  const shown = options.limit === undefined ? events : events.slice(-options.limit);
  if (options.json) {
    terminal.json({ events: shown });
    return;
  }
  for (const event of shown) terminal.out(describeEvent(event, titles));

  async function readTitles(): Promise<Map<string, string>> {
    const { tasks } = await client.getRunSnapshot({ params: { id }, timeoutMs: 60_000 });
    return new Map(tasks.map((task) => [task.id, task.title]));
  }
}

function describeEvent(event: EngineEvent, titles: ReadonlyMap<string, string>): string {
  const { at, type, taskId, from, to, actor, data } = event;
  const title = taskId === null ? '' : `  ${plainLine(titles.get(taskId) ?? taskId)}`;
  const change = to === null || from === to ? '' : `  ${from === null ? '' : `${from} → `}${to}`;
  const reason = data?.reason ?? data?.error;
  const why = typeof reason === 'string' && reason !== '' ? `  (${plainLine(reason).slice(0, 120)})` : '';
  return `${at.toISOString()}  ${type.padEnd(20)}${title}${change}${why}  by ${plainLine(actor)}`;
}

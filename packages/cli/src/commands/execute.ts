import { isAbsolute, join, relative } from 'node:path';
import type { Run } from '@neolith/contracts';
import {
  type AttemptListener,
  type Coordinator,
  checkBeforeRun,
  createCoordinator,
  createLog,
  DaemonError,
  type ExecutionSummary,
  type StorePlanInput,
  selectTasks,
  settingsOf,
  type WorkerLog,
} from '@neolith/daemon';
import { neolithHome } from '@neolith/database/home';
import { findRun } from '../connection/findRun.js';
import { askFigures } from '../execute/askFigures.js';
import { describeGoOn } from '../execute/describeGoOn.js';
import { ensureOrchestrator } from '../execute/ensureOrchestrator.js';
import { describeStall, prepareWorkers, type WorkerFlags, type Workers } from '../execute/prepareWorkers.js';
import { readyRun, storeRun } from '../execute/readyRun.js';
import { type ReportOptions, reportExecution } from '../execute/reportExecution.js';
import { requireAgents } from '../execute/requireAgents.js';
import { showDryRun } from '../execute/showDryRun.js';
import { tellAttempt } from '../execute/tellAttempt.js';
import { describeAnswers, waitsForPerson } from '../execute/tellStuck.js';
import { tellTrouble } from '../execute/tellTrouble.js';
import { type LoadedPlan, loadPlan } from '../import/loadPlan.js';
import { readAssignments } from '../import/readAssignments.js';
import { CommandError } from '../output/commandError.js';
import { EXIT } from '../output/exitCodes.js';
import { quoteArgument } from '../output/quoteArgument.js';
import { plainLine, type Terminal } from '../output/terminal.js';
import { OWN_COMMAND } from '../ownCommand.js';
import { connectOrStart, type ServedConnection } from '../start/connectOrStart.js';
import { openLineLog, prepareHome } from '../start/home.js';
import { type AskedToEnd, listenForEnd } from '../start/signals.js';
import { startTracing } from '../start/startTracing.js';
import { VERSION } from '../version.js';
import { type Display, openDisplay } from '../watch/openDisplay.js';
import { exitCodeOfRun } from '../watch/runEnding.js';
import { choosePlanOrRun } from './choosePlanOrRun.js';
import { readDue, type StoreFlags } from './import.js';

export interface ExecuteFlags extends StoreFlags, WorkerFlags {
  readonly run?: string;
  readonly maxConcurrent: number;
  /** Seconds a task may take that has no limit of its own. */
  readonly timeout?: number;
  readonly dryRun?: true;
  readonly resume?: true;
  readonly only: readonly string[];
  /** Ids of tasks; `--from` of other commands is a format. */
  readonly from: readonly string[];
  readonly name?: string;
  readonly leaseSeconds: number;
  readonly drainMinutes: number;
  readonly verbose?: true;
}

/** `neolith execute PLAN` or `--run RUN`: does it all in this process, while a person watches. */
export async function execute(
  terminal: Terminal,
  path: string | undefined,
  options: ExecuteFlags,
): Promise<void> {
  const wanted = choosePlanOrRun(path, options.run);
  if (options.check?.trim() === '')
    throw new CommandError('usage', 'SETTINGS_INCOMPLETE', 'The command of --check is empty.');
  if ('run' in wanted && options.only.length + options.from.length > 0)
    throw new CommandError(
      'usage',
      'SETTINGS_CONTRADICT',
      '--only and --from choose tasks of a plan. Name the plan, not a run: neolith execute PLAN --only TASK',
    );
  const loaded = 'plan' in wanted ? await loadSelected(terminal, wanted.plan, options) : null;
  const home = neolithHome();
  const workers = await prepareWorkers(options, home);
  await checkRepository(workers, options, loaded !== null);
  if (options.dryRun === true) {
    await showDryRun(terminal, loaded, workers, options);
    return;
  }
  if (loaded !== null) requireAgents(loaded.plan, workers.agents);
  const served = await connectOrStart(options, home, {
    tell: (message) => say(terminal, options, message, 'dim'),
    warn: (message) => say(terminal, options, message, 'yellow'),
  });
  if (served === null) {
    process.exitCode = EXIT.interrupted;
    return;
  }
  try {
    const { client } = served.connection;
    const found =
      loaded === null
        ? await findRun(client, options.run as string)
        : await storeRun(
            terminal,
            client,
            await describeStore(served, loaded, workers, options),
            loaded,
            options,
          );
    const run = await readyRun(terminal, client, found, options);
    if (run === null) return;
    // Of a plan that was just stored without one, somebody wanted it so; a run of before may only never have been told.
    const isToMerge = run.config.mergeStage || (loaded === null && options.mergeStage !== false);
    const merger = isToMerge ? workers.merger : null;
    await carryOut(terminal, { served, run, workers: { ...workers, merger }, home, options });
  } finally {
    await served.close();
  }
}

async function loadSelected(terminal: Terminal, path: string, options: ExecuteFlags): Promise<LoadedPlan> {
  const { read, plan } = await loadPlan(terminal, path, options);
  return { read, plan: selectTasks(plan, options) };
}

/** Before anything is stored or started. A run that exists has its branch already. */
async function checkRepository(
  { repository }: Workers,
  { target }: ExecuteFlags,
  isNew: boolean,
): Promise<void> {
  if (repository === null || (target === undefined && !isNew)) return;
  await checkBeforeRun(repository, target ?? null);
}

async function describeStore(
  { connection }: ServedConnection,
  { plan }: LoadedPlan,
  workers: Workers,
  options: ExecuteFlags,
): Promise<StorePlanInput> {
  // Agents would idle at the run's limit while nobody had asked for one.
  const maxTasks = options.maxTasks ?? plan.run?.maxConcurrentTasks ?? options.maxConcurrent;
  const mergeStage = options.mergeStage ?? plan.run?.mergeStage ?? workers.merger !== null;
  return {
    plan,
    source: options.source,
    byTag: readAssignments(options.assign),
    orchestrator: options.orchestrator,
    channel: options.channel,
    settings: settingsOf(plan.run, { ...options, maxTasks, mergeStage }),
    dueAt: readDue(options.due),
    dryRun: false,
    start: false,
    fallback: await ensureOrchestrator(connection.client, plan, options),
  };
}

function say(terminal: Terminal, options: ExecuteFlags, message: string, style: 'yellow' | 'dim'): void {
  if (options.json) terminal.jsonLine({ kind: 'note', message });
  else terminal.note(terminal.style(style, message));
}

interface Execution {
  readonly served: ServedConnection;
  readonly run: Run;
  readonly workers: Workers;
  readonly home: string;
  readonly options: ExecuteFlags;
}

async function carryOut(terminal: Terminal, execution: Execution): Promise<void> {
  const { served, run, home, options } = execution;
  await prepareHome(home);
  // Only now: until here Ctrl-C may end the process as it always does.
  const asked = served.asked ?? listenForEnd();
  const display = openDisplay(terminal, { name: run.name, json: options.json === true });
  const logFile = await openLineLog(home, 'execute', (error) =>
    display.note(`The log can't be written any further, the work goes on: ${plainLine(error.message)}`),
  );
  const log = createLog({
    form: 'json',
    level: options.verbose ? 'debug' : 'info',
    secrets: [served.connection.token, ...execution.workers.secrets],
    write: logFile.write,
  });
  const tracing = await startTracing('neolith-execute', log);
  const told = tellTrouble(log, display, terminal, options);
  execution.workers.router.tellTo(told);
  execution.workers.agents.useFigures(askFigures(served.connection.client, log));
  const coordinator: Coordinator = makeCoordinator(execution, told, (event) =>
    tellAttempt(event, coordinator.records().get(event.taskId), display, terminal),
  );
  try {
    const summary = await conduct(terminal, coordinator, { execution, display, asked });
    display.end();
    if (summary === null) process.exitCode = EXIT.interrupted;
    else await tellEnd(terminal, summary, execution, asked, logFile.file);
  } finally {
    display.end();
    await tracing?.close();
    await logFile.close();
  }
}

function makeCoordinator(
  { served, workers, home, options }: Execution,
  log: WorkerLog,
  onAttempt: AttemptListener,
): Coordinator {
  return createCoordinator({
    client: served.connection.client,
    agent: workers.agents,
    workplace: workers.workplace,
    ...(workers.merger === null ? {} : { merger: workers.merger }),
    ...(options.name === undefined ? {} : { name: options.name }),
    version: VERSION,
    command: OWN_COMMAND,
    attemptsDirectory: join(home, 'attempts'),
    logsDirectory: join(home, 'logs', 'attempts'),
    maxConcurrent: options.maxConcurrent,
    ...(options.timeout === undefined ? {} : { taskTimeoutMs: options.timeout * 1_000 }),
    ...describeStall(options),
    leaseSeconds: options.leaseSeconds,
    drainMs: options.drainMinutes * 60_000,
    secrets: [served.connection.token, ...workers.secrets],
    log,
    onAttempt,
  });
}

interface Conduct {
  readonly execution: Execution;
  readonly display: Display;
  readonly asked: AskedToEnd;
}

/** Null: told to end before anything had begun. */
async function conduct(
  terminal: Terminal,
  coordinator: Coordinator,
  { execution: { run, options, served }, display, asked }: Conduct,
): Promise<ExecutionSummary | null> {
  const wound = asked.once.then(() => windDown(coordinator, display, asked)).catch(display.trouble);
  try {
    const started = await coordinator.execute({ runId: run.id });
    for (const hint of started.hints) say(terminal, options, hint, 'yellow');
  } catch (error) {
    if (!(error instanceof DaemonError) || error.code !== 'STOPPED_WHILE_STARTING') throw error;
    return null;
  }
  let stuck: Promise<void> | null = null;
  const stopWatching = coordinator.monitorProgress({
    onProgress(progress) {
      display.progress(progress, coordinator.records());
      if (!waitsForPerson(progress)) stuck = null;
      else stuck ??= onStuck();
    },
    onTrouble: display.trouble,
    ...(display.event === null ? {} : { onEvent: display.event }),
  });
  async function onStuck(): Promise<void> {
    try {
      // Of a server that ends with us nobody knows where nobody sits before us.
      if (served.isOwn && !terminal.isTerminal) {
        display.note('What is left waits for a person; the run is paused.');
        await coordinator.pause('What is left waits for a person');
        return;
      }
      display.note('What is left waits for a person. From another terminal:');
      for (const line of await describeAnswers(served.connection.client, run.id)) display.note(line);
      display.note('Or Ctrl-C, which pauses the run.');
    } catch (error) {
      display.trouble(error);
    }
  }

  try {
    const summary = await coordinator.waitForCompletion();
    if (stuck !== null) await stuck;
    if (asked.isAsked()) await wound;
    else if (summary.run.status !== 'PAUSED' && exitCodeOfRun(summary.run.status) === null)
      display.note('The server told the daemon to end; the run itself goes on.');
    return asked.isAsked() || stuck !== null ? await coordinator.getSummary() : summary;
  } finally {
    stopWatching();
  }
}

/** Somebody wants to stop: nothing more is handed out, what runs may finish, or is ended if they ask again. */
async function windDown(coordinator: Coordinator, display: Display, asked: AskedToEnd): Promise<void> {
  const running = [...coordinator.records().values()].filter(({ phase }) => phase !== 'ended').length;
  display.note(
    running === 0
      ? 'Pausing.'
      : `Pausing: ${running} running ${running === 1 ? 'task' : 'tasks'} may finish. Ctrl-C again ends them at once.`,
  );
  const reason = 'Interrupted at the terminal';
  asked.again
    .then(() => {
      display.note('Ending the agents.');
      return coordinator.pauseAtOnce(reason);
    })
    .catch(display.trouble);
  await coordinator.pause(reason);
}

async function tellEnd(
  terminal: Terminal,
  summary: ExecutionSummary,
  { options, workers, served }: Execution,
  asked: AskedToEnd,
  logFile: string | null,
): Promise<void> {
  const ended = exitCodeOfRun(summary.run.status);
  const exitCode = ended ?? (asked.isAsked() ? EXIT.interrupted : EXIT.failed);
  process.exitCode = exitCode;
  reportExecution(terminal, summary, describeWhere({ summary, workers, served, options, exitCode }));
  if (logFile !== null && !options.json && exitCode !== EXIT.ok)
    terminal.out(terminal.style('dim', `  The log: ${plainLine(logFile)}`));
}

function describeWhere({
  summary: { run },
  workers,
  served,
  options,
  exitCode,
}: Pick<Execution, 'workers' | 'served' | 'options'> & {
  readonly summary: ExecutionSummary;
  readonly exitCode: number;
}): ReportOptions {
  const branch = run.config.mergeStage ? workers.targetOf(run.id) : null;
  const path = workers.repository?.openedPath;
  const isHere = path === undefined || isInside(process.cwd(), path);
  return {
    json: options.json === true,
    exitCode,
    merged:
      branch === null
        ? null
        : {
            branch,
            git: isHere ? 'git' : `git -C ${quoteArgument(path)}`,
            isOfRun: options.target === undefined,
          },
    goOn: describeGoOn(run.id, options),
    repositoryFlags: isHere ? '' : ` -r ${quoteArgument(path)}`,
    isOwnServer: served.isOwn,
  };
}

function isInside(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way === '' || !(way.startsWith('..') || isAbsolute(way));
}

import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { isNeolithError, type NeolithClient, type Run } from '@neolith/contracts';
import { createDaemon, createLog, DaemonError, type WorkerDaemon, type WorkerLog } from '@neolith/daemon';
import { neolithHome } from '@neolith/database';
import { findRun } from '../connection/findRun.js';
import { type Connection, resolveConnection } from '../connection/resolveConnection.js';
import { findServed } from '../execute/findServed.js';
import { tellTrouble } from '../execute/tellTrouble.js';
import { readAssignments } from '../import/readAssignments.js';
import { describeImport } from '../import/describeImport.js';
import { describeRead, loadPlan } from '../import/loadPlan.js';
import { settingsOf } from '@neolith/daemon';
import { storePlan } from '@neolith/daemon';
import { CommandError } from '../output/commandError.js';
import { EXIT } from '../output/exitCodes.js';
import { plainLine, type Terminal } from '../output/terminal.js';
import { openLog, prepareHome } from '../start/home.js';
import { type AskedToEnd, listenForEnd } from '../start/signals.js';
import { VERSION } from '../version.js';
import { type Display, openDisplay } from '../watch/openDisplay.js';
import { reportEnd } from '../watch/reportEnd.js';
import { exitCodeOfRun, remediesOf } from '../watch/runEnding.js';
import { watchRun } from '@neolith/daemon';
import { choosePlanOrRun } from './choosePlanOrRun.js';
import { readDue, type StoreFlags } from './import.js';
import { type AgentFlags, prepareAgent, type Workers } from './prepareAgent.js';

export interface ExecuteFlags extends StoreFlags, AgentFlags {
  readonly run?: string;
  readonly agents: number;
  readonly workDirectory?: string;
  readonly name?: string;
  readonly leaseSeconds: number;
  readonly drainMinutes: number;
  readonly verbose?: true;
}

/** `neolith execute PLAN` or `--run RUN`: a daemon in this process does the run, while a person watches. */
export async function execute(
  terminal: Terminal,
  path: string | undefined,
  options: ExecuteFlags,
): Promise<void> {
  const wanted = choosePlanOrRun(path, options.run);
  const workers = await prepareAgent(options);
  const connection = resolveConnection(options, process.env, neolithHome());
  const { client } = connection;
  const run =
    'run' in wanted
      ? await findRun(client, wanted.run)
      : await storeRun(terminal, client, wanted.plan, options);
  const over = exitCodeOfRun(run.status);
  if (over !== null) {
    sayThatItIsOver(terminal, run, options);
    return;
  }
  const served = await findServed(client, run, options.agents);
  for (const hint of served.hints) say(terminal, options, hint);
  // Only now: until here Ctrl-C may end the process as it always does.
  const asked = listenForEnd();
  await carryOut(terminal, { connection, run, orchestratorIds: served.ids, workers, asked, options });
}

async function storeRun(
  terminal: Terminal,
  client: NeolithClient,
  path: string,
  options: ExecuteFlags,
): Promise<Run> {
  const byTag = readAssignments(options.assign);
  const dueAt = readDue(options.due);
  const { read, plan } = await loadPlan(terminal, path, options);
  // Agents would idle at the run's limit while nobody had asked for one.
  const maxTasks = options.maxTasks ?? plan.run?.maxConcurrentTasks ?? options.agents;
  const { result } = await storePlan(client, {
    plan,
    source: options.source,
    byTag,
    orchestrator: options.orchestrator,
    channel: options.channel,
    settings: settingsOf(plan.run, { ...options, maxTasks }),
    dueAt,
    dryRun: false,
    start: false,
    assignToTheOnlyOne: true,
  });
  if (result.run === null) throw new Error('The server stored the plan and told of no run.');
  if (options.json) terminal.jsonLine({ kind: 'imported', ...describeRead(read), result });
  else {
    terminal.out(`${terminal.style('bold', plainLine(result.run.name))}  ${result.run.id}`);
    for (const line of describeImport(result, terminal)) terminal.out(line);
  }
  return result.run;
}

function sayThatItIsOver(terminal: Terminal, run: Run, options: ExecuteFlags): void {
  if (run.status !== 'SUCCEEDED') {
    throw new CommandError(
      'conflict',
      'RUN_ENDED',
      [
        `${plainLine(run.name)} is ${run.status.toLowerCase()}; nothing was executed.`,
        ...remediesOf(run),
      ].join('\n  '),
    );
  }
  say(terminal, options, 'There is nothing to do: the run has succeeded already.');
  if (options.json) reportEnd(terminal, run, { json: true, exitCode: EXIT.ok });
}

function say(terminal: Terminal, options: ExecuteFlags, message: string): void {
  if (options.json) terminal.jsonLine({ kind: 'note', message });
  else terminal.note(terminal.style('yellow', message));
}

interface Execution {
  readonly connection: Connection;
  readonly run: Run;
  readonly orchestratorIds: readonly string[];
  readonly workers: Workers;
  readonly asked: AskedToEnd;
  readonly options: ExecuteFlags;
}

async function carryOut(terminal: Terminal, execution: Execution): Promise<void> {
  const { connection, run, asked, options } = execution;
  const { client } = connection;
  const home = neolithHome();
  await prepareHome(home);
  const logFile = await openLog(home, 'execute');
  const display = openDisplay(terminal, { name: run.name, json: options.json === true });
  const log = createLog({
    form: 'json',
    level: options.verbose ? 'debug' : 'info',
    secrets: [connection.token],
    write: (line) => void logFile.handle.write(line),
  });
  const worker = createWorker(execution, home, tellTrouble(log, display, terminal, options));
  const stopping = new AbortController();
  try {
    // Before anything is handed out: where this daemon can't serve, nobody else may.
    void asked.once.then(() => (worker.status() === 'starting' ? worker.stop() : null));
    await worker.start();
    await ensureRunning(client, run);
    const wound = asked.once.then(() => windDown(worker, client, execution, display));
    // Also while agents may finish it is told how far they are.
    void worker.finished.then(() => stopping.abort());
    const last = await watchRun({
      client,
      runId: run.id,
      signal: stopping.signal,
      onProgress: display.progress,
      onTrouble: display.trouble,
      ...(display.event === null ? {} : { onEvent: display.event }),
    });
    if (asked.isAsked()) await wound;
    else if (last === null) display.note('The server told the daemon to end; the run itself goes on.');
    await worker.drain();
  } catch (error) {
    if (!(error instanceof DaemonError) || error.code !== 'STOPPED_WHILE_STARTING') throw error;
  } finally {
    stopping.abort();
    display.end();
    if (worker.status() !== 'stopped') await worker.stop();
    await logFile.handle.close();
  }
  await tellEnd(terminal, client, execution, logFile.file);
}

function createWorker(
  { connection, run, orchestratorIds, workers, options }: Execution,
  home: string,
  log: WorkerLog,
): WorkerDaemon {
  return createDaemon({
    client: connection.client,
    agent: workers.agent,
    ...(workers.merger === null ? {} : { merger: workers.merger }),
    // Of this run alone: several runs may be executed on one machine, and one run by several.
    name: options.name ?? `${hostname()}-${run.id}`,
    version: VERSION,
    orchestrators: orchestratorIds,
    criteria: { runId: run.id },
    attemptsDirectory: join(home, 'attempts'),
    workingDirectory: resolve(options.workDirectory ?? '.'),
    slots: options.agents,
    leaseSeconds: options.leaseSeconds,
    drainMs: options.drainMinutes * 60_000,
    secrets: [connection.token],
    log,
  });
}

async function ensureRunning(client: NeolithClient, run: Run): Promise<void> {
  if (run.status === 'PENDING')
    await client.startRun({ params: { id: run.id }, body: {}, timeoutMs: 120_000 });
  if (run.status === 'PAUSED')
    await client.resumeRun({ params: { id: run.id }, body: {}, timeoutMs: 120_000 });
}

/** Somebody wants to stop: nothing more is handed out, what runs may finish, or is ended if they ask again. */
async function windDown(
  worker: WorkerDaemon,
  client: NeolithClient,
  { run, asked }: Execution,
  display: Display,
): Promise<void> {
  const running = worker.attempts().length;
  display.note(
    running === 0
      ? 'Pausing.'
      : `Pausing: ${running} running ${running === 1 ? 'task' : 'tasks'} may finish. Ctrl-C again ends them at once.`,
  );
  void asked.again.then(() => worker.stop());
  const paused = client
    .pauseRun({ params: { id: run.id }, body: { reason: 'Interrupted at the terminal' } })
    .catch((error: unknown) => {
      // It may have ended in this moment, or wait for a person already.
      if (!isNeolithError(error) || error.code !== 'INVALID_TRANSITION') display.trouble(error);
    });
  // Both at once: a server that is away must not keep agents from being ended.
  await Promise.all([paused, worker.drain()]);
}

async function tellEnd(
  terminal: Terminal,
  client: NeolithClient,
  { run: { id }, options, asked }: Execution,
  logFile: string,
): Promise<void> {
  const json = options.json === true;
  const run = await client.getRun({ params: { id } });
  const ended = exitCodeOfRun(run.status);
  if (ended !== null) {
    process.exitCode = ended;
    reportEnd(terminal, run, { json, exitCode: ended });
    if (!json && ended !== EXIT.ok) terminal.out(terminal.style('dim', `  The daemon's log: ${logFile}`));
    return;
  }
  process.exitCode = asked.isAsked() ? EXIT.interrupted : EXIT.failed;
  if (json) {
    terminal.jsonLine({ kind: 'interrupted', run, exitCode: process.exitCode });
    return;
  }
  terminal.out(
    `${plainLine(run.name)} is ${run.status.toLowerCase()}, ${run.counts.done} of ${run.counts.total} tasks are done.`,
  );
  terminal.out(`  Go on:  neolith execute --run ${id}`);
  if (run.status === 'PAUSED')
    terminal.out(terminal.style('dim', `  Or let the daemons of others go on: neolith runs resume ${id}`));
}

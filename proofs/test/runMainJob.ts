import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { RunStatus } from '@neolith/contracts';
import { openDatabase } from '@neolith/database';
import { createWorkEngine } from '@neolith/work-engine';
import { startServer } from '../../apps/web/test/startServer.js';
import { checkHistory, type HistoryReport } from './checkHistory.js';
import { readFacts, readHistory } from './readFacts.js';

const neolith = fileURLToPath(new URL('../../packages/cli/bin/neolith.js', import.meta.url));
const execute = promisify(execFile);

export interface MainJobOptions {
  /** An empty, migrated database. */
  databaseUrl: string;
  planFile: string;
  /** Seed of the priorities and due dates that are laid over the plan. */
  seed: number;
  /** Ends a daemon with SIGKILL once so many tasks are done, and starts another one in its place. */
  killAfter?: number;
  leaseSeconds?: number;
  timeLimitMs: number;
}

export interface MainJobReport extends HistoryReport {
  openTasks: number;
  seconds: number;
  tasksPerSecond: number;
  repairs: number;
  /** Of the run that the import made; null where it made none. */
  runStatus: RunStatus | null;
}

const DAEMONS = 2;
const SLOTS = 4;
/** Below the slots of both daemons together, so that both limits are felt. */
const ORCHESTRATOR_LIMIT = 6;

/**
 * The main job, by its own front doors: the server, `neolith import`, and two `neolith daemon`s that start a child
 * process a task; then the history is read and checked.
 */
export async function runMainJob(options: MainJobOptions): Promise<MainJobReport> {
  const home = await mkdtemp(join(tmpdir(), 'neolith-main-job-'));
  const server = await startServer({ databaseUrl: options.databaseUrl, home });
  const database = openDatabase(options.databaseUrl);
  const unscoped = createWorkEngine(database);
  const daemons: ChildProcess[] = [];
  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    NEOLITH_HOME: home,
    NEOLITH_URL: server.url,
    NEOLITH_TOKEN: await server.token(),
  };
  const startDaemon = (name: string): ChildProcess => {
    const child = spawn(
      process.execPath,
      [
        neolith,
        'daemon',
        '--name',
        name,
        '--orchestrator',
        'Atlas',
        '--slots',
        String(SLOTS),
        '--agent',
        'shell',
        '--shell-command',
        'exit 0',
      ],
      { env: { ...env, NEOLITH_HOME: join(home, name) }, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    child.stderr?.resume();
    daemons.push(child);
    return child;
  };
  try {
    const [workspace] = await database.prisma.workspace.findMany();
    const engine = unscoped.as({ workspaceId: workspace?.id as string });
    const orchestrator = await engine.createOrchestrator({
      name: 'Atlas',
      role: 'Maintainer',
      discipline: 'Engineering',
      maxConcurrentTasks: ORCHESTRATOR_LIMIT,
    });
    await execute(
      process.execPath,
      [
        neolith,
        'import',
        options.planFile,
        '--orchestrator',
        'Atlas',
        '--overlay-deadlines',
        String(options.seed),
        // The run hands out all that the orchestrator takes: its own limits are not what is shown here.
        '--max-tasks',
        '1000',
        '--start',
        '--json',
      ],
      {
        env,
        maxBuffer: 50_000_000,
      },
    );
    const facts = await readFacts(engine, [orchestrator], 'open');
    const start = performance.now();
    const first = startDaemon('one');
    for (let index = 1; index < DAEMONS; index += 1) startDaemon(`other-${index}`);
    let killed = options.killAfter === undefined;
    const deadline = start + options.timeLimitMs;
    for (;;) {
      const { completed, backlog, inProgress } = await engine.getOrchestratorExecutionStats(orchestrator.id);
      if (!killed && completed >= (options.killAfter ?? 0)) {
        killed = true;
        first.kill('SIGKILL');
        startDaemon('one-again');
      }
      if (killed && backlog.total === 0 && inProgress === 0) break;
      if (performance.now() > deadline)
        throw new Error(
          `Not done in time: ${completed} done, ${inProgress} running, ${backlog.total} waiting`,
        );
      await delay(100);
    }
    const seconds = (performance.now() - start) / 1_000;
    const slotsOf = new Map((await engine.listDaemons()).map((daemon) => [daemon.id, daemon.slots]));
    const report = checkHistory(await readHistory(engine), { ...facts, slotsOf });
    const { repaired, runs } = await engine.recalculateAllStatuses();
    const repairs = repaired.length + runs.length;
    const [run] = (await engine.listRuns()).runs;
    return {
      ...report,
      openTasks: facts.tasks.length,
      seconds,
      tasksPerSecond: facts.tasks.length / seconds,
      repairs,
      runStatus: run?.status ?? null,
    };
  } finally {
    for (const child of daemons) child.kill('SIGTERM');
    await Promise.all(
      daemons.map((child) =>
        child.exitCode === null && child.signalCode === null
          ? new Promise((resolve) => child.once('exit', resolve))
          : null,
      ),
    );
    await server.stop();
    await unscoped.close();
    await database.close();
    await rm(home, { recursive: true, force: true });
  }
}

import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { migrate, openDatabase } from '@neolith/database';
import { createWorkEngine, type EngineEvent, type NewTask } from '@neolith/work-engine';
import { startServer, type TestServer } from '../../apps/web/test/startServer.js';
import { startChaosPostgres } from './chaosPostgres.js';
import { checkHistory, type HistoryReport } from './checkHistory.js';
import { readFacts, readHistory } from './readFacts.js';
import { type Random, seededRandom, shuffle, whole } from './seededRandom.js';

const neolith = fileURLToPath(new URL('../../packages/cli/bin/neolith.js', import.meta.url));

export const FAULTS = [
  'web_killed',
  'postgres_killed',
  'postgres_everything_killed',
  'session_killed',
  'sessions_terminated',
  'daemon_killed',
  'daemon_stopped_past_lease',
] as const;
export type Fault = (typeof FAULTS)[number];

export interface ChaosOptions {
  seed: number;
  tasks: number;
  /** How often each fault happens. */
  rounds: number;
  /** Seconds that the tasks of the shell agent take: one of these. */
  taskSeconds: readonly number[];
  leaseSeconds: number;
  /** Between one fault's recovery and the next fault; milliseconds, at most. */
  calmMs: number;
  timeLimitMs: number;
}

export interface ChaosReport extends HistoryReport {
  seed: number;
  tasks: number;
  seconds: number;
  repairs: number;
  injected: Record<Fault, number>;
  /** The longest time from a fault until a call with a token succeeded again, in milliseconds. */
  slowestRecoveryMs: Partial<Record<Fault, number>>;
  /** Agents that ran to their end, of whose results one a task was accepted. */
  agentsEnded: number;
  /** What daemons lost to SIGKILL or to a stop past their lease. */
  lost: number;
}

const SLOTS = 4;
const ORCHESTRATORS = [
  { name: 'Atlas', maxConcurrentTasks: 3 },
  { name: 'Vega', maxConcurrentTasks: 2 },
];
/** When fewer are left while faults are still to come, more are made: no fault hits an idle system. */
const FEW_LEFT = 15;

/**
 * Runs a generated backlog by two daemons through a server on a durable PostgreSQL while each of them is killed,
 * stopped and cut off, again and again; then reads the history and checks it.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const random = seededRandom(options.seed);
  const home = await mkdtemp(join(tmpdir(), 'neolith-chaos-'));
  // PostgreSQL may run as another user.
  await chmod(home, 0o755);
  const ledger = join(home, 'ledger');
  const postgres = await startChaosPostgres(join(home, 'postgres'));
  await migrate(postgres.url);
  let server = await startServer({ databaseUrl: postgres.url, home });
  const { port } = server;
  const token = await server.token();
  const database = openDatabase(postgres.url);
  const unscoped = createWorkEngine(database);
  const children: ChildProcess[] = [];
  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    NEOLITH_HOME: home,
    NEOLITH_URL: server.url,
    NEOLITH_TOKEN: token,
  };
  const command =
    `echo "begin $NEOLITH_ATTEMPT_ID" >> ${ledger}; ` +
    `n=$(( $$ % ${options.taskSeconds.length} )); set -- ${options.taskSeconds.join(' ')}; shift $n; sleep $1; ` +
    `echo "end $NEOLITH_ATTEMPT_ID" >> ${ledger}`;
  let logs = '';
  const startDaemon = (name: string): ChildProcess => {
    const child = spawn(
      process.execPath,
      [
        ...[neolith, 'daemon', '--name', name, '--all', '--slots', String(SLOTS)],
        ...['--lease-seconds', String(options.leaseSeconds), '--shell-command', command],
      ],
      { env: { ...env, NEOLITH_HOME: join(home, name) }, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    child.stderr?.setEncoding('utf8').on('data', (part: string) => {
      logs = (logs + part).slice(-200_000);
    });
    children.push(child);
    return child;
  };
  const injected = Object.fromEntries(FAULTS.map((fault) => [fault, 0])) as Record<Fault, number>;
  const slowestRecoveryMs: ChaosReport['slowestRecoveryMs'] = {};

  try {
    const [workspace] = await database.prisma.workspace.findMany();
    const engine = unscoped.as({ workspaceId: workspace?.id as string });
    const orchestrators = [];
    for (const one of ORCHESTRATORS)
      orchestrators.push(
        await engine.createOrchestrator({ ...one, role: 'Maintainer', discipline: 'Engineering' }),
      );
    const ids = orchestrators.map(({ id }) => id);
    await engine.createTasks(generateBacklog(random, options.tasks, ids));

    const start = performance.now();
    const deadline = start + options.timeLimitMs;
    const victims = { killed: startDaemon('killed'), stopped: startDaemon('stopped') };
    let stopping: Promise<void> = Promise.resolve();
    /** Until a daemon has just begun something, so that it loses it. */
    const untilAtWork = async (name: string): Promise<void> => {
      while (performance.now() < deadline) {
        const { rowCount } = await throughTrouble(
          () =>
            database.pool.query(
              `SELECT FROM leases l JOIN daemons d ON d.id = l.daemon_id
               WHERE d.name = $1 AND l.claimed_at > clock_timestamp() - interval '150 ms'`,
              [name],
            ),
          deadline,
        );
        if ((rowCount ?? 0) > 0) return;
        await delay(20);
      }
    };
    const inject: Record<Fault, () => Promise<void>> = {
      async web_killed() {
        await server.stop('SIGKILL');
        server = await startServer({ databaseUrl: postgres.url, home, port });
      },
      async postgres_killed() {
        await postgres.kill('postmaster');
        await postgres.start();
      },
      async postgres_everything_killed() {
        await postgres.kill('everything');
        await postgres.start();
      },
      session_killed: async () => void (await postgres.killSession()),
      sessions_terminated: async () => void (await postgres.terminateSessions()),
      async daemon_killed() {
        await untilAtWork('killed');
        victims.killed.kill('SIGKILL');
        await ended(victims.killed);
        victims.killed = startDaemon('killed');
      },
      async daemon_stopped_past_lease() {
        await stopping;
        await untilAtWork('stopped');
        victims.stopped.kill('SIGSTOP');
        // Beside the other faults: it takes its time.
        stopping = delay((options.leaseSeconds + 3) * 1_000).then(() => {
          victims.stopped.kill('SIGCONT');
        });
      },
    };

    const plan = Array.from({ length: options.rounds }, () => shuffle(random, FAULTS)).flat();
    const left = async (): Promise<number> => {
      const stats = await Promise.all(ids.map((id) => engine.getOrchestratorExecutionStats(id)));
      return stats.reduce((sum, { backlog, inProgress }) => sum + backlog.total + inProgress, 0);
    };
    for (const fault of plan) {
      await delay(whole(random, 100, options.calmMs));
      if ((await throughTrouble(left, deadline)) < FEW_LEFT)
        await throughTrouble(() => engine.createTasks(generateBacklog(random, FEW_LEFT, ids)), deadline);
      const startedMs = performance.now();
      await inject[fault]();
      injected[fault] += 1;
      await untilAnswers(server, token, deadline);
      const tookMs = Math.round(performance.now() - startedMs);
      slowestRecoveryMs[fault] = Math.max(slowestRecoveryMs[fault] ?? 0, tookMs);
    }
    await stopping;
    for (;;) {
      const open = await throughTrouble(left, deadline);
      if (open === 0) break;
      if (performance.now() > deadline) throw new Error(`${open} tasks are not done in time`);
      await delay(200);
    }
    const facts = await readFacts(engine, orchestrators, 'all');
    const daemons = await engine.listDaemons();
    // The one that is killed is the same daemon after its restart, while leases of its earlier life still run.
    const slotsOf = new Map(
      daemons.filter(({ name }) => name === 'stopped').map(({ id, slots }) => [id, slots]),
    );
    const events = await readHistory(engine);
    const report = checkHistory(events, { ...facts, slotsOf });
    const agents = await readLedger(ledger);
    return {
      ...report,
      // Order is the business of the main job: here commits hang for seconds, and history has no commit times.
      violations: [
        ...report.violations.filter((violation) => !violation.endsWith('was before it')),
        ...checkOutcomes(events, agents),
      ],
      seed: options.seed,
      tasks: facts.tasks.length,
      seconds: (performance.now() - start) / 1_000,
      repairs: (await engine.recalculateAllStatuses()).repaired.length,
      injected,
      slowestRecoveryMs,
      agentsEnded: agents.ended.size,
    };
  } catch (error) {
    throw new Error(
      `Chaos with seed ${options.seed}: ${(error as Error).message}\nServer:\n${server.output().slice(-5_000)}\nDaemons:\n${logs.slice(-5_000)}`,
      { cause: error },
    );
  } finally {
    for (const child of children) {
      child.kill('SIGCONT');
      child.kill('SIGKILL');
    }
    await Promise.all(children.map(ended));
    await server.stop('SIGKILL');
    await unscoped.close();
    await database.close();
    await postgres.stop();
    await rm(home, { recursive: true, force: true });
  }
}

const PRIORITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'] as const;

/** A random graph without circles: a task depends on up to three of the dozen made before it. */
function generateBacklog(random: Random, amount: number, orchestratorIds: readonly string[]): NewTask[] {
  return Array.from({ length: amount }, (_, index) => ({
    key: `t${index}`,
    title: `Task ${index}`,
    priority: PRIORITIES[whole(random, 0, 3)] ?? 'LOW',
    orchestratorId: orchestratorIds[whole(random, 0, orchestratorIds.length - 1)] ?? null,
    dependsOn: [
      ...new Set(
        Array.from(
          { length: index === 0 ? 0 : whole(random, 0, 3) },
          () => `t${whole(random, Math.max(0, index - 12), index - 1)}`,
        ),
      ),
    ],
  }));
}

/** Asks again while the database is away. */
async function throughTrouble<T>(ask: () => Promise<T>, deadline: number): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(100);
    }
  }
}

/** Until a call that needs server and database is answered. */
async function untilAnswers(server: TestServer, token: string, deadline: number): Promise<void> {
  await throughTrouble(async () => {
    const response = await fetch(`${server.url}/api/v1/orchestrators`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(20_000),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`The server answers ${response.status}`);
  }, deadline);
}

function ended(child: ChildProcess): Promise<unknown> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', resolve));
}

interface Ledger {
  begun: string[];
  ended: Set<string>;
}

/** What the agents themselves wrote, beside the engine. */
async function readLedger(file: string): Promise<Ledger> {
  const lines = (await readFile(file, 'utf8')).trim().split('\n');
  const of = (word: string) =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  return { begun: of('begin'), ended: new Set(of('end')) };
}

/** One accepted outcome a task, of an attempt whose agent really ended; and no attempt was begun twice. */
function checkOutcomes(events: readonly EngineEvent[], agents: Ledger): string[] {
  const violations: string[] = [];
  const seen = new Set<string>();
  for (const { type, taskId, attemptId } of events) {
    if (type !== 'task.completed' || attemptId === null) continue;
    if (seen.has(attemptId)) violations.push(`${attemptId} was accepted twice`);
    seen.add(attemptId);
    if (!agents.ended.has(attemptId))
      violations.push(`${taskId} is done by ${attemptId}, whose agent never ended`);
  }
  const counts = new Map<string, number>();
  for (const id of agents.begun) counts.set(id, (counts.get(id) ?? 0) + 1);
  for (const [id, times] of counts)
    if (times > 1) violations.push(`The agent of ${id} was started ${times} times`);
  return violations;
}

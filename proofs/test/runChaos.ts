import { setTimeout as delay } from 'node:timers/promises';
import type { EngineEvent } from '@neolith/work-engine';
import { randomTasks } from '../chaos/randomTasks.js';
import { seededRandom, shuffle, whole } from '../chaos/seededRandom.js';
import { checkHistory, type HistoryReport } from './checkHistory.js';
import { ended, type Installation, type Ledger, startInstallation } from './installation.js';
import { readFacts, readHistory } from './readFacts.js';

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
/** A task depends on some of the dozen made before it. */
const REACH = 12;

/**
 * Runs a generated backlog by two daemons through a server on a durable PostgreSQL while each of them is killed,
 * stopped and cut off, again and again; then reads the history and checks it.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const random = seededRandom(options.seed);
  const installation = await startInstallation({ ...options, name: 'neolith-chaos', slots: SLOTS });
  const { database, postgres, startDaemon } = installation;
  const injected = Object.fromEntries(FAULTS.map((fault) => [fault, 0])) as Record<Fault, number>;
  const slowestRecoveryMs: ChaosReport['slowestRecoveryMs'] = {};

  try {
    const [workspace] = await database.prisma.workspace.findMany();
    const engine = installation.engine.as({ workspaceId: workspace?.id as string });
    const orchestrators = [];
    for (const one of ORCHESTRATORS)
      orchestrators.push(
        await engine.createOrchestrator({ ...one, role: 'Maintainer', discipline: 'Engineering' }),
      );
    const ids = orchestrators.map(({ id }) => id);
    await engine.createTasks(randomTasks(random, options.tasks, ids, REACH));

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
      ...installation.faults,
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
        await throughTrouble(() => engine.createTasks(randomTasks(random, FEW_LEFT, ids, REACH)), deadline);
      const startedMs = performance.now();
      await inject[fault]();
      injected[fault] += 1;
      await untilAnswers(installation, deadline);
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
    const agents = await installation.readLedger();
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
    throw installation.explain(`Chaos with seed ${options.seed}`, error);
  } finally {
    await installation.stop();
  }
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
async function untilAnswers({ url, token }: Installation, deadline: number): Promise<void> {
  await throughTrouble(async () => {
    const response = await fetch(`${url}/api/v1/orchestrators`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(20_000),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`The server answers ${response.status}`);
  }, deadline);
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

import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient, type EngineEvent, formatId, isNeolithError, type Run } from '@neolith/contracts';
import { watchDatabase } from '../../packages/work-engine/test/runs/support/watch.js';
import { randomTasks } from '../chaos/randomTasks.js';
import { seededRandom, shuffle, whole } from '../chaos/seededRandom.js';
import { checkRunHistory, type RunHistoryReport } from './checkRunHistory.js';
import { ended, type Ledger, startInstallation } from './installation.js';

export const RUN_FAULTS = [
  'web_killed',
  'postgres_killed',
  'postgres_everything_killed',
  'daemon_killed',
  'paused_and_resumed',
] as const;
export type RunFault = (typeof RUN_FAULTS)[number];

export interface RunUnderFaultsOptions {
  seed: number;
  tasks: number;
  /** How often each fault happens. */
  rounds: number;
  /** Seconds that the tasks of the shell agent take: one of these. */
  taskSeconds: readonly number[];
  leaseSeconds: number;
  /** Tasks of the run at once, over its three daemons. */
  maxConcurrentTasks: number;
  timeLimitMs: number;
}

export interface RunUnderFaultsReport extends RunHistoryReport {
  seed: number;
  seconds: number;
  run: Run;
  /** What the triggers inside the database saw: see watchDatabase. */
  breaches: string[];
  repairs: number;
  injected: Record<RunFault, number>;
  /** Faults that hit while tasks were in progress. */
  hits: number;
  agentsEnded: number;
}

/**
 * Executes one run with a merge stage, a random graph created over HTTP, by three daemons, while server, database and
 * daemons are killed and the run is paused and resumed; then compares its history with the tables.
 */
export async function runUnderFaults(options: RunUnderFaultsOptions): Promise<RunUnderFaultsReport> {
  const random = seededRandom(options.seed);
  const installation = await startInstallation({ ...options, name: 'neolith-run', slots: 8 });
  const { url, token, database } = installation;
  const client = createClient({ baseUrl: url, token });
  await watchDatabase(database.pool);
  const daemons = new Map<string, ChildProcess>();
  const startDaemon = (name: string): void => void daemons.set(name, installation.startDaemon(name));
  const names = ['one', 'two', 'three'];
  const injected = Object.fromEntries(RUN_FAULTS.map((fault) => [fault, 0])) as Record<RunFault, number>;
  let hits = 0;

  try {
    const orchestrators: string[] = [];
    for (const name of ['Atlas', 'Vega', 'Lyra']) {
      const made = await client.createOrchestrator({
        body: {
          name,
          role: 'Maintainer',
          discipline: 'Engineering',
          maxConcurrentTasks: options.maxConcurrentTasks,
        },
      });
      orchestrators.push(made.id);
    }
    const { id: runId } = await client.createRun({
      body: {
        name: `A run of ${options.tasks} tasks`,
        config: {
          maxConcurrentTasks: options.maxConcurrentTasks,
          maxConcurrentMerges: 2,
          mergeStage: true,
          failurePolicy: 'continue',
        },
        tasks: randomTasks(random, options.tasks, orchestrators, 40).map((task) => ({
          ...task,
          // Killed daemons cost losses, not attempts; three of one task are bad luck, not a failure of the engine.
          maxAttempts: 20,
        })),
      },
    });
    for (const name of names) startDaemon(name);
    const start = performance.now();
    const deadline = start + options.timeLimitMs;
    await client.startRun({ params: { id: runId }, body: {} });

    const inject: Record<RunFault, () => Promise<void>> = {
      ...installation.faults,
      async daemon_killed() {
        const name = names[whole(random, 0, names.length - 1)] as string;
        const child = daemons.get(name) as ChildProcess;
        child.kill('SIGKILL');
        await ended(child);
        startDaemon(name);
      },
      async paused_and_resumed() {
        await move('pauseRun', ['RUNNING'], ['PAUSED']);
        await delay(whole(random, 100, 800));
        await move('resumeRun', ['PAUSED'], ['RUNNING']);
      },
    };
    /** Repeated while the server is away: then an earlier call may have done it already. */
    const move = async (verb: 'pauseRun' | 'resumeRun', from: string[], to: string[]): Promise<void> => {
      await throughTrouble(async () => {
        const { status } = await client.getRun({ params: { id: runId } });
        if (to.includes(status)) return;
        if (!from.includes(status)) throw new Error(`The run is ${status}; too late for ${verb}`);
        await client[verb]({ params: { id: runId }, body: {} }).catch((error: unknown) => {
          if (!isNeolithError(error) || error.code !== 'INVALID_TRANSITION') throw error;
        });
      }, deadline);
    };

    // At points spread over the run: each when so many tasks are done.
    const plan = Array.from({ length: options.rounds }, () => shuffle(random, RUN_FAULTS)).flat();
    for (const [index, fault] of plan.entries()) {
      const due = ((index + whole(random, 20, 80) / 100) / plan.length) * options.tasks * 0.9;
      for (;;) {
        const run = await throughTrouble(() => client.getRun({ params: { id: runId } }), deadline);
        if (run.status !== 'RUNNING')
          throw new Error(`The run is ${run.status} before ${fault}: ${run.reason}`);
        if (run.counts.done >= due) {
          hits += run.counts.inProgress > 0 ? 1 : 0;
          break;
        }
        if (performance.now() > deadline) throw new Error(`Only ${run.counts.done} tasks are done in time`);
        await delay(50);
      }
      await inject[fault]();
      injected[fault] += 1;
    }
    let run: Run;
    for (;;) {
      run = await throughTrouble(() => client.getRun({ params: { id: runId } }), deadline);
      if (run.status !== 'RUNNING') break;
      if (performance.now() > deadline)
        throw new Error(
          `Not over in time: ${JSON.stringify([run.counts, await client.getRunProgress({ params: { id: runId } })])}`,
        );
      await delay(100);
    }
    const seconds = (performance.now() - start) / 1_000;
    const history: EngineEvent[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await client.getRunHistory({
        params: { id: runId },
        query: { limit: 100, ...(cursor ? { cursor } : {}) },
      });
      history.push(...page.events);
      if (page.events.length < 100) break;
      cursor = page.cursor;
    }
    const agents = await installation.readLedger();
    const { rows: breaches } = await database.pool.query<{ what: string }>(
      'SELECT what FROM watch.breaches ORDER BY n',
    );
    const report = await checkRunHistory(database.pool, runId, history);
    const [workspace] = await database.prisma.workspace.findMany();
    const engine = installation.engine.as({ workspaceId: formatId('workspace', workspace?.id as string) });
    const repair = await engine.recalculateAllStatuses();
    return {
      ...report,
      violations: [...report.violations, ...checkAgents(history, agents)],
      seed: options.seed,
      seconds,
      run,
      breaches: breaches.map(({ what }) => what),
      repairs: repair.repaired.length + repair.runs.length,
      injected,
      hits,
      agentsEnded: agents.ended.size,
    };
  } catch (error) {
    throw installation.explain(`Run under faults with seed ${options.seed}`, error);
  } finally {
    await installation.stop();
  }
}

/** What happened, with the seed that makes the same faults happen again. */
export function describeRun(report: RunUnderFaultsReport): string {
  const injected = Object.entries(report.injected).map(([fault, times]) => `${fault} ${times}×`);
  return (
    `seed ${report.seed}: ${report.done} tasks done in ${report.seconds.toFixed(1)} s, ${report.claims} claims, ${report.lost} leases lost, ` +
    `${report.events} events, at most ${report.mostAtOnce} tasks and ${report.mostMergesAtOnce} merges at once; ${report.hits} faults hit work: ${injected.join(', ')}`
  );
}

/** Asks again while server or database are away. */
async function throughTrouble<T>(ask: () => Promise<T>, deadline: number): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const away =
        isNeolithError(error) && ['SERVER_UNREACHABLE', 'DATABASE_UNAVAILABLE'].includes(error.code);
      if (!away || performance.now() > deadline) throw error;
      await delay(100);
    }
  }
}

/** Whatever was accepted comes from an attempt whose agent really ended, and no attempt was begun twice. */
function checkAgents(history: readonly EngineEvent[], agents: Ledger): string[] {
  const violations: string[] = [];
  for (const { type, taskId, attemptId } of history) {
    if (type === 'task.completed' && !agents.ended.has(attemptId ?? ''))
      violations.push(`${taskId} is done by ${attemptId}, whose agent never ended`);
  }
  if (new Set(agents.begun).size !== agents.begun.length) violations.push('An attempt was begun twice');
  return violations;
}

import { hostname } from 'node:os';
import { join } from 'node:path';
import {
  createDaemon,
  createLog,
  type DaemonMetricsServer,
  findOrchestrator,
  listOrchestrators,
  serveDaemonMetrics,
  type WorkerDaemon,
} from '@neolith/daemon';
import { neolithHome } from '@neolith/database/home';
import { findRun } from '../connection/findRun.js';
import { type ConnectionFlags, resolveConnection } from '../connection/resolveConnection.js';
import { askFigures } from '../execute/askFigures.js';
import { describeStall, prepareWorkers, type WorkerFlags } from '../execute/prepareWorkers.js';
import { CommandError } from '../output/commandError.js';
import type { Terminal } from '../output/terminal.js';
import { OWN_COMMAND } from '../ownCommand.js';
import { startTracing } from '../start/startTracing.js';
import { VERSION } from '../version.js';

export interface DaemonFlags extends ConnectionFlags, WorkerFlags {
  readonly orchestrator: readonly string[];
  readonly all?: true;
  readonly run?: string;
  readonly slots: number;
  readonly name?: string;
  readonly leaseSeconds: number;
  readonly drainMinutes: number;
  readonly log?: 'pretty' | 'json';
  readonly verbose?: true;
  readonly metricsPort?: number;
}

/** `neolith daemon`: serves until it is told to end; then 0. */
export async function daemon(terminal: Terminal, options: DaemonFlags): Promise<void> {
  if (options.all === true && options.orchestrator.length > 0) {
    throw new CommandError('usage', 'SETTINGS_CONTRADICT', 'Give either --all or --orchestrator, not both.');
  }
  if (options.all !== true && options.orchestrator.length === 0) {
    throw new CommandError(
      'usage',
      'SETTINGS_INCOMPLETE',
      'Say whom to serve: --orchestrator NAME (several times if you like), or --all.',
    );
  }
  const home = neolithHome();
  const { agents, router, workplace, merger, secrets } = await prepareWorkers(options, home);
  const { client, token, url } = resolveConnection(options, process.env, home);
  const runId =
    options.run === undefined || options.run === 'none'
      ? (options.run ?? null)
      : (await findRun(client, options.run)).id;
  const log = createLog({
    form: options.log ?? (process.stderr.isTTY ? 'pretty' : 'json'),
    colour: terminal.colour && process.stderr.isTTY === true,
    level: options.verbose ? 'debug' : 'info',
    secrets: [token, ...secrets],
    write: (line) => void process.stderr.write(line),
  });
  router.tellTo(log);
  agents.useFigures(askFigures(client, log));
  const worker = createDaemon({
    client,
    agent: agents,
    workplace,
    name: options.name ?? hostname(),
    version: VERSION,
    command: OWN_COMMAND,
    orchestrators:
      options.all === true
        ? 'all'
        : async () => {
            const known = await listOrchestrators(client);
            return options.orchestrator.map((wanted) => findOrchestrator(known, wanted).id);
          },
    attemptsDirectory: join(home, 'attempts'),
    logsDirectory: join(home, 'logs', 'attempts'),
    slots: options.slots,
    leaseSeconds: options.leaseSeconds,
    ...describeStall(options),
    ...(merger === null ? {} : { merger }),
    ...(runId === null ? {} : { criteria: { runId } }),
    drainMs: options.drainMinutes * 60_000,
    secrets: [token, ...secrets],
    log,
  });
  let asked = 0;
  let lastAskedMs = Number.NEGATIVE_INFINITY;
  const onSignal = (signal: NodeJS.Signals): void => {
    const nowMs = performance.now();
    // Ctrl-C comes twice where npm passes on what the terminal has sent to everybody already.
    if (nowMs - lastAskedMs < 300) return;
    lastAskedMs = nowMs;
    asked += 1;
    log.info(asked === 1 ? 'Told to end; once more to end at once' : 'Told to end at once', { signal });
    void (asked === 1 ? worker.drain() : worker.stop());
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  // The terminal was closed. Dying at once would leave the agents behind.
  process.on('SIGHUP', onSignal);
  const tracing = await startTracing('neolith-daemon', log);
  const metrics = await openMetrics(options.metricsPort, worker);
  if (metrics !== null) log.info('Metrics', { url: `http://127.0.0.1:${metrics.port}/metrics` });
  log.info('Starting', { server: url, pid: process.pid });
  try {
    await worker.start();
    await worker.finished;
  } catch (error) {
    if (asked === 0) throw error;
  } finally {
    await metrics?.close();
    await tracing?.close();
  }
}

async function openMetrics(
  port: number | undefined,
  worker: WorkerDaemon,
): Promise<DaemonMetricsServer | null> {
  if (port === undefined) return null;
  try {
    return await serveDaemonMetrics(port, () => worker.look());
  } catch (cause) {
    const isTaken = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
    throw new CommandError(
      isTaken ? 'conflict' : 'failed',
      isTaken ? 'PORT_TAKEN' : 'METRICS_FAILED',
      `Metrics can't be served on port ${port}: ${isTaken ? 'something else listens there. Name another one.' : String(cause)}`,
      { cause },
    );
  }
}

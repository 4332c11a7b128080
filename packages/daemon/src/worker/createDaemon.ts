import { setMaxListeners } from 'node:events';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DaemonState } from '@neolith/contracts';
import { nothingToMerge } from '../agents/merger.js';
import { openSocketDirectory, type SocketDirectory } from '../asking/socketDirectory.js';
import { describeDaemonLife, endStrays } from '../process/strays.js';
import { waitAtMost } from '../process/waitAtMost.js';
import { DEFAULT_STALLED_AFTER_MS } from '../process/watchHealth.js';
import { alwaysChoose } from './agentChooser.js';
import { type AttemptLook, createAttemptRoster } from './attemptRoster.js';
import { type ClaimPump, createClaimPump } from './claimPump.js';
import { followControlStream } from './controlStream.js';
import { countFailures, type FailedCalls } from './countFailures.js';
import { DaemonError } from './daemonError.js';
import { DAEMON_DEFAULTS, type DaemonOptions, FAREWELL_MS, FORCED_GRACE_MS } from './daemonOptions.js';
import { runHeartbeats, sendHeartbeat } from './heartbeatLoop.js';
import { createHeldAgents } from './heldAgents.js';
import { describeError } from './judgeCallError.js';
import { createLog } from './log.js';
import { holdName } from './nameLock.js';
import { pruneLocalLogs } from './pruneLocalLogs.js';
import { createRegistration } from './registration.js';
import { releaseUnknown } from './releaseUnknown.js';
import type { AttemptResult } from './settleAttempt.js';
import { plainWorkplace } from './workplace.js';

export type DaemonStatus = 'new' | 'starting' | 'active' | 'draining' | 'stopped';

export interface DaemonReport {
  /** How many attempts ended in which way. */
  readonly results: Readonly<Record<AttemptResult, number>>;
}

/** How a daemon is doing: numbers and closed words, nothing of what its tasks are about. */
export interface DaemonLook {
  readonly status: DaemonStatus;
  readonly slots: number;
  readonly slotsTaken: number;
  readonly attempts: readonly AttemptLook[];
  /** How many attempts ended in which way, since it started. */
  readonly results: Readonly<Record<AttemptResult, number>>;
  readonly failedCalls: readonly FailedCalls[];
  /** Since the server answered a heartbeat last; null: it has answered none yet. */
  readonly heartbeatAgeMs: number | null;
}

export interface WorkerDaemon {
  /**
   * Ends what an earlier life left running, registers, waiting for a server that is away, and begins to claim.
   * Rejects with `DaemonError`, or with what the server refuses: a token, an orchestrator.
   */
  start(): Promise<void>;
  /**
   * Claims nothing more, lets agents and merges finish for `drainMs`, then ends the rest and gives their tasks back.
   * Resolves when the daemon has stopped.
   */
  drain(): Promise<DaemonReport>;
  /** As `drain`, without letting agents finish; hastens a drain under way. */
  stop(): Promise<DaemonReport>;
  status(): DaemonStatus;
  /** Null until it is registered. */
  id(): string | null;
  /** The attempts it is at. */
  attempts(): readonly { readonly taskId: string; readonly attemptId: string }[];
  /** What there is to be measured of it now; asks nobody. */
  look(): DaemonLook;
  /** Resolves when it has stopped, whoever asked for it: the server can, too. */
  readonly finished: Promise<DaemonReport>;
}

/** A daemon: serves orchestrators by claiming their tasks over HTTP and running an agent for each. */
export function createDaemon(options: DaemonOptions): WorkerDaemon {
  const { name } = options;
  const { client, failed: failedCalls } = countFailures(options.client);
  const slots = options.slots ?? DAEMON_DEFAULTS.slots;
  const leaseSeconds = options.leaseSeconds ?? DAEMON_DEFAULTS.leaseSeconds;
  const waitSeconds = Math.min(options.waitSeconds ?? DAEMON_DEFAULTS.waitSeconds, 25);
  const graceMs = options.graceMs ?? DAEMON_DEFAULTS.graceMs;
  const random = options.random ?? Math.random;
  const secrets = options.secrets ?? [];
  const log = options.log ?? createLog({ write: () => undefined, form: 'json' });
  const agents = 'choose' in options.agent ? options.agent : alwaysChoose(options.agent);
  const workplace = options.workplace ?? plainWorkplace(null);
  const root = join(options.attemptsDirectory, encodeURIComponent(name));

  /** Ends the loops beside the attempts. */
  const ending = new AbortController();
  /** Ends the waiting for answers. */
  const farewell = new AbortController();
  // Each attempt listens, and there may be hundreds.
  setMaxListeners(0, ending.signal, farewell.signal);
  let status: DaemonStatus = 'new';
  let heartbeatAtMs: number | null = null;
  let life = '';
  let letGo: () => Promise<void> = () => Promise.resolve();
  let sockets: SocketDirectory | null = null;
  let loops: Promise<unknown> = Promise.resolve();
  /** Ends the control stream of an id that is ours no longer. */
  let listening = new AbortController();
  let hurry: () => void = () => undefined;
  const hurried = new Promise<void>((resolve) => {
    hurry = resolve;
  });

  const heldAgents = createHeldAgents((orchestratorId, ms) => pump.pause(orchestratorId, ms));
  const attempts = createAttemptRoster({
    dependencies: () => ({
      client,
      agents,
      heldAgents,
      attemptsDirectory: root,
      workplace,
      logsDirectory: options.logsDirectory ?? null,
      taskTimeoutMs: options.taskTimeoutMs ?? DAEMON_DEFAULTS.taskTimeoutMs,
      stalledAfterMs:
        options.stalledAfterMs === undefined ? DEFAULT_STALLED_AFTER_MS : options.stalledAfterMs,
      merger: options.merger ?? nothingToMerge,
      mergeTimeoutMs: options.mergeTimeoutMs ?? DAEMON_DEFAULTS.mergeTimeoutMs,
      waitSeconds,
      graceMs,
      daemonMarker: life,
      sockets,
      secrets,
      log,
      random,
      signal: farewell.signal,
    }),
    mergesAside: options.mergesAside ?? slots,
    log,
    onEvent: options.onAttempt ?? (() => undefined),
    onRoom: () => pump.pump(),
    isEnding: () => status === 'draining',
  });

  const registration = createRegistration({
    daemon: { ...options, client },
    slots,
    log,
    random,
    signal: ending.signal,
    isActive: () => status === 'active',
    onNewId: () => listening.abort(new Error('The daemon has another id.')),
    onServed: (ids) => pump.serve(ids),
  });

  const pump: ClaimPump = createClaimPump({
    client,
    daemonId: registration.requireId,
    agent: agents.name,
    slots,
    leaseSeconds,
    waitSeconds,
    taken: attempts.taken,
    criteria: options.criteria,
    onClaim: attempts.take,
    onHeldAgents: heldAgents.update,
    onRefused: (orchestratorId, error) => {
      log.error('A claim was refused', { orchestratorId, ...describeError(error) });
      if (describeError(error).code === 'DAEMON_NOT_FOUND') void registration.renew();
    },
    log,
    random,
  });

  async function start(): Promise<void> {
    if (status !== 'new') throw new Error('A daemon is started once.');
    status = 'starting';
    try {
      life = await describeDaemonLife(name);
      letGo = await holdName(root, name, life);
      const strays = await endStrays(name, { graceMs: Math.min(graceMs, 5_000) });
      if (strays.signalled > 0)
        log.warn('Ended what an earlier life had left running', { processes: strays.signalled });
      await removeLeftovers(root);
      sockets = await openSockets();
      await pruneLogs();
      await registration.begin();
    } catch (error) {
      if (!ending.signal.aborted) status = 'stopped';
      await closeSockets();
      await letGo();
      if (ending.signal.aborted) {
        throw new DaemonError(
          'STOPPED_WHILE_STARTING',
          'The daemon was told to stop before it had started.',
          { cause: error },
        );
      }
      resolveFinished({ results: attempts.results });
      throw error;
    }
    status = 'active';
    log.info('Serving', {
      daemonId: registration.id(),
      name,
      orchestrators: registration.served().length,
      slots,
      agent: agents.name,
    });
    loops = Promise.all([beat(), listen(), registration.follow()]);
    pump.serve(registration.served());
  }

  async function openSockets(): Promise<SocketDirectory | null> {
    try {
      return await openSocketDirectory(root, options.command);
    } catch (error) {
      log.warn('Agents can not ask for resources here', describeError(error));
      return null;
    }
  }

  async function closeSockets(): Promise<void> {
    try {
      await sockets?.close();
    } catch (error) {
      log.warn('The directory of sockets could not be removed', describeError(error));
    }
  }

  async function pruneLogs(): Promise<void> {
    const { logsDirectory } = options;
    if (logsDirectory === undefined) return;
    try {
      const removed = await pruneLocalLogs(logsDirectory);
      if (removed > 0) log.info('Removed old logs of attempts', { files: removed });
    } catch (error) {
      log.warn('Old logs of attempts could not be removed', describeError(error));
    }
  }

  function beat(): Promise<void> {
    return runHeartbeats({
      ...heartbeat(),
      intervalMs: (leaseSeconds * 1_000) / 3,
      signal: ending.signal,
      onFailure: async (error, failures) => {
        log[failures <= 3 ? 'warn' : 'debug']('A heartbeat failed', { failures, ...describeError(error) });
        if (describeError(error).code === 'DAEMON_NOT_FOUND') await registration.renew();
      },
      onRecovery: (failures) => log.info('The server answers again', { failures }),
      random,
    });
  }

  function heartbeat() {
    return {
      client,
      daemonId: registration.requireId,
      state: (): DaemonState =>
        status === 'active' ? 'ACTIVE' : status === 'stopped' ? 'STOPPED' : 'DRAINING',
      attemptIds: attempts.ids,
      onRenewal: attempts.react,
      onBeat: () => {
        heartbeatAtMs = performance.now();
      },
    };
  }

  async function listen(): Promise<void> {
    const abort = () => listening.abort(ending.signal.reason);
    ending.signal.addEventListener('abort', abort, { once: true });
    while (!ending.signal.aborted) {
      listening = new AbortController();
      await followControlStream({
        client,
        daemonId: registration.requireId,
        signal: listening.signal,
        onMessage: (message) => {
          if (message.type === 'cancel') attempts.cancel(message.attemptId);
          else void drain();
        },
        onLost: (error, delayMs) =>
          log.debug('The control stream ended; opening it again', {
            delayMs,
            ...(error === null ? {} : describeError(error)),
          }),
        random,
      });
    }
  }

  let resolveFinished: (report: DaemonReport) => void = () => undefined;
  const finished = new Promise<DaemonReport>((resolve) => {
    resolveFinished = resolve;
  });
  let drained: Promise<DaemonReport> | null = null;

  function drain(): Promise<DaemonReport> {
    drained ??= shutDown();
    return drained;
  }

  async function shutDown(): Promise<DaemonReport> {
    const before = status;
    const report = { results: attempts.results };
    if (before === 'stopped') return report;
    status = 'draining';
    if (before === 'active') {
      log.info('Draining: nothing more is claimed', { running: attempts.size() });
      const unanswered = pump.stop();
      await Promise.all([unanswered, tellState()]);
      const drainMs = options.drainMs ?? DAEMON_DEFAULTS.drainMs;
      await waitAtMost(Promise.race([attempts.allFinished(), hurried]), drainMs);
      // From here on each call has so long to be answered as there is time to say good-bye.
      const patience = setTimeout(() => farewell.abort(new Error('The daemon ends.')), graceMs + FAREWELL_MS);
      attempts.endAll('shutdown');
      void hurried.then(() => attempts.endAll('shutdown', FORCED_GRACE_MS));
      await attempts.allFinished();
      const daemonId = registration.id();
      await releaseUnknown({ client, daemonId, has: attempts.has, log }, await unanswered);
      clearTimeout(patience);
    }
    status = 'stopped';
    ending.abort(new Error('The daemon ends.'));
    await loops;
    if (before === 'active') await tellState();
    await closeSockets();
    await letGo();
    log.info('Stopped', { ...attempts.results });
    resolveFinished(report);
    return report;
  }

  /** Courtesy, tried once: without it the server notices by the missing heartbeats. */
  async function tellState(): Promise<void> {
    try {
      await sendHeartbeat(heartbeat(), { signal: AbortSignal.timeout(3_000), timeoutMs: 3_000 });
    } catch (error) {
      log.debug('The new state could not be told', describeError(error));
    }
  }

  return {
    start,
    drain,
    stop() {
      hurry();
      return drain();
    },
    status: () => status,
    id: registration.id,
    attempts: attempts.list,
    look: () => ({
      status,
      slots,
      slotsTaken: attempts.taken(),
      attempts: attempts.look(),
      results: { ...attempts.results },
      failedCalls: failedCalls(),
      heartbeatAgeMs: heartbeatAtMs === null ? null : performance.now() - heartbeatAtMs,
    }),
    finished,
  };
}

/** The directories of attempts that an earlier life was at. */
async function removeLeftovers(root: string): Promise<void> {
  for (const entry of await readdir(root, { withFileTypes: true })) {
    if (entry.isDirectory()) await rm(join(root, entry.name), { recursive: true, force: true });
  }
}

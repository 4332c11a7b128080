import { readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClaimWithContext, DaemonState, Renewal } from '@neolith/contracts';
import { describeDaemonLife, endStrays } from '../process/strays.js';
import { waitAtMost } from '../process/waitAtMost.js';
import { type Attempt, type AttemptResult, startAttempt } from './attempt.js';
import { callUntilAnswered } from './callUntilAnswered.js';
import { type ClaimPump, createClaimPump } from './claimPump.js';
import { followControlStream } from './controlStream.js';
import { DaemonError } from './daemonError.js';
import { DAEMON_DEFAULTS, type DaemonOptions, FAREWELL_MS, FORCED_GRACE_MS } from './daemonOptions.js';
import { decideRenewal } from './decideRenewal.js';
import { runHeartbeats, sendHeartbeat } from './heartbeatLoop.js';
import { describeError, judgeCallError } from './judgeCallError.js';
import { createLog } from './log.js';
import { holdName } from './nameLock.js';

export type DaemonStatus = 'new' | 'starting' | 'active' | 'draining' | 'stopped';

export interface DaemonReport {
  /** How many attempts ended in which way. */
  readonly results: Readonly<Record<AttemptResult, number>>;
}

export interface WorkerDaemon {
  /**
   * Ends what an earlier life left running, registers, waiting for a server that is away, and begins to claim.
   * Rejects with `DaemonError`, or with what the server refuses: a token, an orchestrator.
   */
  start(): Promise<void>;
  /**
   * Claims nothing more, lets agents finish for `drainMs`, then ends the rest and gives their tasks back.
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
  /** Resolves when it has stopped, whoever asked for it: the server can, too. */
  readonly finished: Promise<DaemonReport>;
}

/** A daemon: serves orchestrators by claiming their tasks over HTTP and running an agent for each. */
export function createDaemon(options: DaemonOptions): WorkerDaemon {
  const { client, name } = options;
  const slots = options.slots ?? DAEMON_DEFAULTS.slots;
  const leaseSeconds = options.leaseSeconds ?? DAEMON_DEFAULTS.leaseSeconds;
  const graceMs = options.graceMs ?? DAEMON_DEFAULTS.graceMs;
  const random = options.random ?? Math.random;
  const secrets = options.secrets ?? [];
  const log = options.log ?? createLog({ write: () => undefined, form: 'json' });
  const root = join(options.attemptsDirectory, encodeURIComponent(name));

  const attempts = new Map<string, Attempt>();
  const results = { completed: 0, failed: 0, blocked: 0, cancelled: 0, released: 0, dropped: 0 };
  /** Ends the loops beside the attempts. */
  const ending = new AbortController();
  /** Ends the waiting for answers. */
  const farewell = new AbortController();
  let status: DaemonStatus = 'new';
  let daemonId: string | null = null;
  let life = '';
  let served: readonly string[] = [];
  let letGo: () => Promise<void> = () => Promise.resolve();
  let loops: Promise<unknown> = Promise.resolve();
  let registering: Promise<void> | null = null;
  /** Ends the control stream of an id that is ours no longer. */
  let listening = new AbortController();
  let hurry: () => void = () => undefined;
  const hurried = new Promise<void>((resolve) => {
    hurry = resolve;
  });

  const pump: ClaimPump = createClaimPump({
    client,
    daemonId: requireId,
    agent: options.agent.name,
    slots,
    leaseSeconds,
    waitSeconds: Math.min(options.waitSeconds ?? DAEMON_DEFAULTS.waitSeconds, 25),
    running: () => attempts.size,
    onClaim: take,
    onRefused: (orchestratorId, error) => {
      log.error('A claim was refused', { orchestratorId, ...describeError(error) });
      if (describeError(error).code === 'DAEMON_NOT_FOUND') void registerAnew();
    },
    log,
    random,
  });

  function requireId(): string {
    if (daemonId === null) throw new Error('The daemon is not registered yet.');
    return daemonId;
  }

  function take(claim: ClaimWithContext): void {
    // The same claim may be answered twice.
    if (attempts.has(claim.attempt.id)) return;
    // An answer that was repeated so late that the lease was over: what it brings is somebody else's by now.
    if (claim.attempt.status !== 'RUNNING') {
      log.warn('A claim came too late: its attempt has ended already', {
        taskId: claim.task.id,
        attemptId: claim.attempt.id,
        status: claim.attempt.status,
      });
      return;
    }
    const startedMs = performance.now();
    const ids = {
      taskId: claim.task.id,
      attemptId: claim.attempt.id,
      orchestratorId: claim.task.orchestratorId,
    };
    log.info(`Started: ${claim.task.title}`, {
      ...ids,
      priority: claim.task.priority,
      attempt: claim.attempt.number,
    });
    const attempt = startAttempt(
      {
        client,
        agent: options.agent,
        attemptsDirectory: root,
        workingDirectory: options.workingDirectory ?? null,
        taskTimeoutMs: options.taskTimeoutMs ?? DAEMON_DEFAULTS.taskTimeoutMs,
        graceMs,
        daemonMarker: life,
        secrets,
        log,
        random,
        signal: farewell.signal,
      },
      claim,
    );
    attempts.set(attempt.attemptId, attempt);
    // Came while the claims were being stopped.
    if (status === 'draining') attempt.end('shutdown');
    void attempt.finished.then((result) => {
      attempts.delete(attempt.attemptId);
      results[result] += 1;
      log.info(`Ended, ${result}: ${claim.task.title}`, {
        ...ids,
        result,
        durationMs: Math.round(performance.now() - startedMs),
      });
      pump.pump();
    });
  }

  function cancel(attemptId: string): void {
    const attempt = attempts.get(attemptId);
    if (attempt === undefined || attempt.phase() !== 'running') return;
    log.info('Cancelled: ending the agent', { taskId: attempt.taskId, attemptId });
    attempt.end('cancelled');
  }

  function react(renewal: Renewal): void {
    const attempt = attempts.get(renewal.attemptId);
    if (attempt === undefined) return;
    const action = decideRenewal(attempt.phase(), renewal);
    if (action === 'cancel') cancel(renewal.attemptId);
    if (action === 'drop') {
      log.warn('The task is no longer ours; ending its agent', {
        taskId: attempt.taskId,
        attemptId: attempt.attemptId,
      });
      attempt.end('lease_lost');
    }
  }

  async function listServed(): Promise<readonly string[]> {
    if (typeof options.orchestrators === 'function') return options.orchestrators();
    if (options.orchestrators !== 'all') return options.orchestrators;
    const { orchestrators } = await client.listOrchestrators();
    return orchestrators.map((one) => one.id);
  }

  async function register(orchestratorIds: readonly string[]): Promise<void> {
    const daemon = await client.registerDaemon({
      body: {
        name,
        host: options.host ?? hostname(),
        version: options.version ?? '0.0.0',
        slots,
        agents: [options.agent.name],
        orchestratorIds: [...orchestratorIds],
      },
    });
    daemonId = daemon.id;
    served = orchestratorIds;
  }

  /** Once at a time: heartbeats and claims may both find that the server doesn't know us. */
  function registerAnew(): Promise<void> {
    registering ??= (async () => {
      try {
        const ids = await listServed();
        await register(ids);
        listening.abort(new Error('The daemon has another id.'));
        log.warn('Registered anew: the server had forgotten this daemon', { daemonId });
        pump.serve(ids);
      } catch (error) {
        log.error('Could not register anew', describeError(error));
      } finally {
        registering = null;
      }
    })();
    return registering;
  }

  /** Until the server answers; a refusal is final, and so is a token that isn't taken. */
  function firstAnswer<T>(call: () => Promise<T>): Promise<T> {
    return callUntilAnswered(call, {
      signal: ending.signal,
      random,
      retryUnauthorised: false,
      onRetry: (error, failures, delayMs) =>
        log[failures <= 1 ? 'warn' : 'debug']('Waiting for the server', {
          failures,
          delayMs,
          ...describeError(error),
        }),
    });
  }

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
      let ids = await firstAnswer(listServed);
      while (ids.length === 0) {
        log.warn('There is no orchestrator to serve yet; waiting for one');
        await sleep(Math.min(options.refreshMs ?? DAEMON_DEFAULTS.refreshMs, 5_000), undefined, {
          signal: ending.signal,
        });
        ids = await firstAnswer(listServed);
      }
      const first = ids;
      await firstAnswer(() => register(first));
    } catch (error) {
      if (!ending.signal.aborted) status = 'stopped';
      await letGo();
      if (ending.signal.aborted) {
        throw new DaemonError(
          'STOPPED_WHILE_STARTING',
          'The daemon was told to stop before it had started.',
          {
            cause: error,
          },
        );
      }
      resolveFinished({ results });
      throw error;
    }
    status = 'active';
    log.info('Serving', { daemonId, name, orchestrators: served.length, slots, agent: options.agent.name });
    loops = Promise.all([beat(), listen(), refresh()]);
    pump.serve(served);
  }

  function beat(): Promise<void> {
    return runHeartbeats({
      ...heartbeat(),
      intervalMs: (leaseSeconds * 1_000) / 3,
      signal: ending.signal,
      onFailure: async (error, failures) => {
        log[failures <= 3 ? 'warn' : 'debug']('A heartbeat failed', { failures, ...describeError(error) });
        if (describeError(error).code === 'DAEMON_NOT_FOUND') await registerAnew();
      },
      onRecovery: (failures) => log.info('The server answers again', { failures }),
      random,
    });
  }

  function heartbeat() {
    return {
      client,
      daemonId: requireId,
      state: (): DaemonState =>
        status === 'active' ? 'ACTIVE' : status === 'stopped' ? 'STOPPED' : 'DRAINING',
      attemptIds: () => [...attempts.keys()],
      onRenewal: react,
    };
  }

  async function listen(): Promise<void> {
    const abort = () => listening.abort(ending.signal.reason);
    ending.signal.addEventListener('abort', abort, { once: true });
    while (!ending.signal.aborted) {
      listening = new AbortController();
      await followControlStream({
        client,
        daemonId: requireId,
        signal: listening.signal,
        onMessage: (message) => {
          if (message.type === 'cancel') cancel(message.attemptId);
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

  /** With `all`: looks for orchestrators that came or went. */
  async function refresh(): Promise<void> {
    if (options.orchestrators !== 'all') return;
    while (!ending.signal.aborted) {
      try {
        await sleep(options.refreshMs ?? DAEMON_DEFAULTS.refreshMs, undefined, { signal: ending.signal });
        if (status !== 'active') return;
        const ids = await listServed();
        if (ids.length === 0 || ids.join() === served.join()) continue;
        await register(ids);
        log.info('Serving', { daemonId, orchestrators: ids.length });
        pump.serve(ids);
      } catch (error) {
        if (ending.signal.aborted) return;
        log.warn('Could not look for new orchestrators', describeError(error));
      }
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
    if (before === 'stopped') return { results };
    status = 'draining';
    if (before === 'active') {
      log.info('Draining: nothing more is claimed', { running: attempts.size });
      const unanswered = pump.stop();
      await Promise.all([unanswered, tellState()]);
      await waitAtMost(Promise.race([allFinished(), hurried]), options.drainMs ?? DAEMON_DEFAULTS.drainMs);
      // From here on each call has so long to be answered as there is time to say good-bye.
      const patience = setTimeout(() => farewell.abort(new Error('The daemon ends.')), graceMs + FAREWELL_MS);
      for (const attempt of attempts.values()) attempt.end('shutdown');
      void hurried.then(() => {
        for (const attempt of attempts.values()) attempt.end('shutdown', FORCED_GRACE_MS);
      });
      await allFinished();
      await releaseUnknown(await unanswered);
      clearTimeout(patience);
    }
    status = 'stopped';
    ending.abort(new Error('The daemon ends.'));
    await loops;
    if (before === 'active') await tellState();
    await letGo();
    log.info('Stopped', { ...results });
    const report = { results };
    resolveFinished(report);
    return report;
  }

  async function allFinished(): Promise<void> {
    while (attempts.size > 0) await Promise.all([...attempts.values()].map((attempt) => attempt.finished));
  }

  /** Courtesy, tried once: without it the server notices by the missing heartbeats. */
  async function tellState(): Promise<void> {
    try {
      await sendHeartbeat(heartbeat(), { signal: AbortSignal.timeout(3_000), timeoutMs: 3_000 });
    } catch (error) {
      log.debug('The new state could not be told', describeError(error));
    }
  }

  /**
   * A claim call that was broken off may have been granted in that very moment: its attempts are nobody's, and
   * would hold their tasks until the lease ends.
   */
  async function releaseUnknown(orchestratorIds: readonly string[]): Promise<void> {
    for (const id of orchestratorIds) {
      try {
        const { attempts: known } = await client.listOrchestratorAttempts({
          params: { id },
          query: { limit: 100 },
          timeoutMs: 3_000,
        });
        for (const one of known) {
          if (one.status !== 'RUNNING' || one.daemonId !== daemonId || attempts.has(one.id)) continue;
          await client.releaseAttempt({ params: { id: one.id }, timeoutMs: 3_000 });
          log.info('Gave back a task that was claimed in the last moment', {
            taskId: one.taskId,
            attemptId: one.id,
          });
        }
      } catch (error) {
        if (judgeCallError(error) === 'lost') continue;
        log.warn('Could not look for tasks claimed in the last moment', describeError(error));
        return;
      }
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
    id: () => daemonId,
    attempts: () => [...attempts.values()].map(({ taskId, attemptId }) => ({ taskId, attemptId })),
    finished,
  };
}

/** The directories of attempts that an earlier life was at. */
async function removeLeftovers(root: string): Promise<void> {
  for (const entry of await readdir(root, { withFileTypes: true })) {
    if (entry.isDirectory()) await rm(join(root, entry.name), { recursive: true, force: true });
  }
}

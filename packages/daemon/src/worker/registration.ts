import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { callUntilAnswered } from './callUntilAnswered.js';
import { DAEMON_DEFAULTS, type DaemonOptions } from './daemonOptions.js';
import { describeError } from './judgeCallError.js';
import type { WorkerLog } from './log.js';

export interface RegistrationOptions {
  readonly daemon: DaemonOptions;
  readonly slots: number;
  readonly log: WorkerLog;
  readonly random: () => number;
  /** Ends waiting and looking. */
  readonly signal: AbortSignal;
  /** False while it drains: then whom it serves does not matter any more. */
  readonly isActive: () => boolean;
  /** It has another id, because the server had forgotten it. */
  readonly onNewId: () => void;
  /** Whom to ask for work from now on. */
  readonly onServed: (orchestratorIds: readonly string[]) => void;
}

/** Who a daemon is to its server, and whom it serves. */
export interface Registration {
  /** Null until it is registered. */
  readonly id: () => string | null;
  /** Throws until it is registered. */
  readonly requireId: () => string;
  readonly served: () => readonly string[];
  /** Registers, waiting for a server that is away and for somebody to serve. A refusal is final. */
  begin(): Promise<void>;
  /** Registers again, once at a time: heartbeats and claims may both find that the server doesn't know us. */
  renew(): Promise<void>;
  /** With `all`: looks for orchestrators that came or went, until the signal. Never rejects. */
  follow(): Promise<void>;
}

export function createRegistration(options: RegistrationOptions): Registration {
  const { log, signal, random } = options;
  const { client, name } = options.daemon;
  const refreshMs = options.daemon.refreshMs ?? DAEMON_DEFAULTS.refreshMs;
  let daemonId: string | null = null;
  let served: readonly string[] = [];
  let renewing: Promise<void> | null = null;

  async function listServed(): Promise<readonly string[]> {
    const { orchestrators: wanted } = options.daemon;
    if (typeof wanted === 'function') return wanted();
    if (wanted !== 'all') return wanted;
    const { orchestrators } = await client.listOrchestrators();
    return orchestrators.map((one) => one.id);
  }

  async function register(orchestratorIds: readonly string[]): Promise<void> {
    const daemon = await client.registerDaemon({
      body: {
        name,
        host: options.daemon.host ?? hostname(),
        version: options.daemon.version ?? '0.0.0',
        slots: options.slots,
        agents: [options.daemon.agent.name],
        orchestratorIds: [...orchestratorIds],
      },
    });
    daemonId = daemon.id;
    served = orchestratorIds;
  }

  /** Until the server answers; a refusal is final, and so is a token that isn't taken. */
  function firstAnswer<T>(call: () => Promise<T>): Promise<T> {
    return callUntilAnswered(call, {
      signal,
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

  async function begin(): Promise<void> {
    let ids = await firstAnswer(listServed);
    while (ids.length === 0) {
      log.warn('There is no orchestrator to serve yet; waiting for one');
      await sleep(Math.min(refreshMs, 5_000), undefined, { signal });
      ids = await firstAnswer(listServed);
    }
    const first = ids;
    await firstAnswer(() => register(first));
  }

  async function registerAnew(): Promise<void> {
    try {
      await register(await listServed());
      options.onNewId();
      log.warn('Registered anew: the server had forgotten this daemon', { daemonId });
      options.onServed(served);
    } catch (error) {
      log.error('Could not register anew', describeError(error));
    }
  }

  return {
    id: () => daemonId,
    requireId() {
      if (daemonId === null) throw new Error('The daemon is not registered yet.');
      return daemonId;
    },
    served: () => served,
    begin,
    renew() {
      renewing ??= registerAnew().finally(() => {
        renewing = null;
      });
      return renewing;
    },
    async follow() {
      if (options.daemon.orchestrators !== 'all') return;
      while (!signal.aborted) {
        try {
          await sleep(refreshMs, undefined, { signal });
          if (!options.isActive()) return;
          const ids = await listServed();
          if (signal.aborted || ids.length === 0 || ids.join() === served.join()) continue;
          await register(ids);
          log.info('Serving', { daemonId, orchestrators: ids.length });
          options.onServed(ids);
        } catch (error) {
          if (signal.aborted) return;
          log.warn('Could not look for new orchestrators', describeError(error));
        }
      }
    },
  };
}

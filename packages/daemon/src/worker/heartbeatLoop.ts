import { setTimeout as sleep } from 'node:timers/promises';
import type { DaemonState, NeolithClient, Renewal } from '@neolith/contracts';
import { backoffMs } from './backoff.js';
import { retryAfterOf } from './judgeCallError.js';
import { withOwnSignal } from './withOwnSignal.js';

export interface HeartbeatOptions {
  readonly client: Pick<NeolithClient, 'daemonHeartbeat'>;
  readonly daemonId: () => string;
  readonly state: () => DaemonState;
  readonly attemptIds: () => readonly string[];
  readonly intervalMs: number;
  readonly signal: AbortSignal;
  readonly onRenewal: (renewal: Renewal) => void;
  /** The server has answered one. */
  readonly onBeat?: () => void;
  /** Told of each failure, and of the first success after it. */
  readonly onFailure: (error: unknown, failures: number) => Promise<void> | void;
  readonly onRecovery: (failures: number) => void;
  readonly random: () => number;
}

/** What one call may carry. */
const ATTEMPTS_MAX = 1_000;

/** One heartbeat: tells that the daemon lives and renews every lease it holds. */
export async function sendHeartbeat(
  options: Pick<HeartbeatOptions, 'client' | 'daemonId' | 'state' | 'attemptIds' | 'onRenewal' | 'onBeat'>,
  limits: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<void> {
  const attemptIds = options.attemptIds();
  for (let start = 0; start === 0 || start < attemptIds.length; start += ATTEMPTS_MAX) {
    const { renewals } = await withOwnSignal(limits.signal, (signal) =>
      options.client.daemonHeartbeat({
        params: { id: options.daemonId() },
        body: { state: options.state(), attemptIds: attemptIds.slice(start, start + ATTEMPTS_MAX) },
        signal,
        timeoutMs: limits.timeoutMs,
      }),
    );
    options.onBeat?.();
    for (const renewal of renewals) options.onRenewal(renewal);
  }
}

/** Sends heartbeats until the signal; after a failure sooner than usual, since leases run out. Never rejects. */
export async function runHeartbeats(options: HeartbeatOptions): Promise<void> {
  const { signal, intervalMs } = options;
  // Half a dozen tries fit into a lease. A fraction of a millisecond is refused as a time limit.
  const timeoutMs = Math.max(1_000, Math.ceil(intervalMs / 2));
  let failures = 0;
  while (!signal.aborted) {
    const startedMs = performance.now();
    let pauseMs: number;
    try {
      await sendHeartbeat(options, { signal, timeoutMs });
      if (failures > 0) options.onRecovery(failures);
      failures = 0;
      pauseMs = intervalMs - (performance.now() - startedMs);
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      await options.onFailure(error, failures);
      pauseMs = Math.min(
        backoffMs(failures, options.random(), retryAfterOf(error), { baseMs: 250, capMs: intervalMs / 2 }),
        intervalMs,
      );
    }
    try {
      await sleep(Math.max(0, pauseMs), undefined, { signal });
    } catch {
      // The signal: the daemon ends.
      return;
    }
  }
}

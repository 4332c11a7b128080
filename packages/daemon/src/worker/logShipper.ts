import { ATTEMPT_LOG_BYTES_MAX, isNeolithError, type NeolithClient } from '@neolith/contracts';
import type { OutputLine } from '../process/processSpec.js';
import { waitAtMost } from '../process/waitAtMost.js';
import { callUntilAnswered } from './callUntilAnswered.js';
import { describeError, judgeCallError } from './judgeCallError.js';
import { createLocalLog } from './localLog.js';
import type { WorkerLog } from './log.js';
import { createLogBatches } from './logBatches.js';
import { withOwnSignal } from './withOwnSignal.js';

export interface LogShipperOptions {
  readonly client: Pick<NeolithClient, 'appendAttemptLog'>;
  readonly attemptId: string;
  /** The same goes to this file, mode 0600, at most 5 MB of it. Its directory is made. Default: to none. */
  readonly file?: string;
  /** Lines wait so long for others. Milliseconds, default 1,000. */
  readonly intervalMs?: number;
  /** So much is sent at once, whatever the interval. Default 65,536. */
  readonly batchBytes?: number;
  /** Between two full batches; so a flood takes no more than four of them a second. Milliseconds, default 250. */
  readonly paceMs?: number;
  /** What may wait for its sending, head and tail. Default 5 MB: the server keeps no more. */
  readonly keepBytes?: number;
  /** Ends the sending, without a last word. */
  readonly signal?: AbortSignal;
  readonly log?: WorkerLog;
  /** In [0, 1), for jitter. Default Math.random. */
  readonly random?: () => number;
}

export interface LogShipperReport {
  /**
   * `sent`: the server has all that was kept. `lost`: the attempt is not ours any more. `refused`: the server takes no logs.
   * `away`: it could not be reached in time.
   */
  readonly ending: 'sent' | 'lost' | 'refused' | 'away';
  readonly sentBytes: number;
  readonly droppedBytes: number;
}

export interface LogShipper {
  /** Takes a line, sanitised and redacted as `superviseProcess` hands it out. Never blocks and never throws. */
  note(line: OutputLine): void;
  /**
   * Sends what is left and says that nothing more will come. Never rejects; repeated it gives the same.
   * @param options.withinMs default 10,000; what could not be sent by then is given up.
   */
  finish(options?: { readonly withinMs?: number }): Promise<LogShipperReport>;
}

const FINISH_MS = 10_000;
/** A server from before there were logs. */
const NO_SUCH_CALL = new Set(['ROUTE_NOT_FOUND', 'METHOD_NOT_ALLOWED']);

/**
 * Sends what an agent prints to the server, a batch about every second, one call at a time, again while the server is
 * away; beyond what the server keeps, the middle is dropped here. Never holds up the agent, and never holds more than
 * `keepBytes` of its output.
 */
export function createLogShipper(options: LogShipperOptions): LogShipper {
  const { client, attemptId, log } = options;
  const intervalMs = options.intervalMs ?? 1_000;
  const paceMs = options.paceMs ?? 250;
  const keepBytes = options.keepBytes ?? ATTEMPT_LOG_BYTES_MAX;
  const batches = createLogBatches({ batchBytes: options.batchBytes ?? 65_536, keepBytes });
  const local =
    options.file === undefined
      ? null
      : createLocalLog(options.file, {
          limitBytes: keepBytes,
          onProblem: (error) =>
            log?.warn('The local log of an attempt is not written any further', {
              attemptId,
              ...describeError(error),
            }),
        });
  const stop = new AbortController();
  let ending: LogShipperReport['ending'] | null = null;
  let sequence = 0;
  let sentBytes = 0;
  let timer: NodeJS.Timeout | undefined;
  /** The timer waits for a full batch's turn, not for more lines. */
  let isPacing = false;
  let sending: Promise<void> | null = null;
  let lastSentMs = Number.NEGATIVE_INFINITY;
  let finished: Promise<LogShipperReport> | null = null;
  let hasWarned = false;

  const halt = (): void => stop.abort();
  if (options.signal?.aborted === true) halt();
  options.signal?.addEventListener('abort', halt, { once: true });

  function warnOnce(message: string, error: unknown): void {
    if (!hasWarned) log?.warn(message, { attemptId, ...describeError(error) });
    hasWarned = true;
  }

  /** Sends the oldest batch; `last`: and says that nothing comes after it. */
  async function sendOne(last: boolean): Promise<void> {
    const batch = batches.take() ?? { entries: [], bytes: 0, droppedBytes: 0 };
    sequence += 1;
    const body = { sequence, entries: batch.entries, droppedBytes: batch.droppedBytes, last };
    lastSentMs = performance.now();
    try {
      await callUntilAnswered(
        () =>
          withOwnSignal(stop.signal, (signal) =>
            client.appendAttemptLog({ params: { id: attemptId }, body, signal }),
          ),
        {
          signal: stop.signal,
          ...(options.random === undefined ? {} : { random: options.random }),
          onRetry: (error) => warnOnce('The log of an attempt can not be sent yet', error),
        },
      );
      sentBytes += batch.bytes;
      hasWarned = false;
    } catch (error) {
      batches.noteDropped(batch);
      giveUp(error);
    }
  }

  function giveUp(error: unknown): void {
    if (stop.signal.aborted) ending ??= 'away';
    else if (judgeCallError(error) === 'lost') ending ??= 'lost';
    else if (isNeolithError(error) && NO_SUCH_CALL.has(error.code)) ending ??= 'refused';
    if (ending !== null) {
      batches.clear();
      if (ending === 'refused') warnOnce('The server takes no logs of attempts', error);
      return;
    }
    // This piece alone: the next one tells how much is missing.
    warnOnce('A piece of the log of an attempt was not taken', error);
  }

  function schedule(): void {
    if (finished !== null || sending !== null || batches.count() === 0) return;
    const isFull = batches.hasFull();
    if (timer !== undefined) {
      if (isPacing || !isFull) return;
      clearTimeout(timer);
    }
    isPacing = isFull;
    const delayMs = isFull ? Math.max(0, lastSentMs + paceMs - performance.now()) : intervalMs;
    timer = setTimeout(send, delayMs);
  }

  function send(): void {
    timer = undefined;
    isPacing = false;
    sending = sendOne(false).finally(() => {
      sending = null;
      schedule();
    });
  }

  async function finish(withinMs: number): Promise<LogShipperReport> {
    clearTimeout(timer);
    const deadline = setTimeout(halt, withinMs);
    await sending;
    while (ending === null) {
      const last = batches.count() <= 1;
      await sendOne(last);
      if (last) ending ??= 'sent';
    }
    clearTimeout(deadline);
    options.signal?.removeEventListener('abort', halt);
    // A disk that does not answer is not waited for, either.
    if (local !== null) await waitAtMost(local.finish(), withinMs);
    return { ending, sentBytes, droppedBytes: batches.droppedBytes() };
  }

  return {
    note(line) {
      if (finished !== null) return;
      local?.append(line.text);
      if (ending !== null) return;
      batches.add(line);
      schedule();
    },
    finish({ withinMs = FINISH_MS } = {}) {
      finished ??= finish(withinMs);
      return finished;
    },
  };
}

import type { TreeUsage } from './processUsage.js';
import type { SupervisedProcess } from './superviseProcess.js';

/** How a supervised process is doing, with everything it started. */
export interface ProcessHealth {
  readonly at: Date;
  readonly runningMs: number;
  /** Since it printed something last, or since its start. */
  readonly silentMs: number;
  /** For how long it has neither printed anything nor done anything that could be seen. */
  readonly idleMs: number;
  /** See `ProcessUsage`. */
  readonly cpuMs: number;
  /** Of one processor, since the look before; 1 keeps one busy. */
  readonly cpuShare: number;
  readonly memoryBytes: number;
  readonly processes: number;
}

export interface HealthOptions {
  /** Between two looks. Milliseconds, default 15,000, or `stalledAfterMs` where that is less: a look reads the whole process table. */
  readonly everyMs?: number;
  /**
   * Idle for so long it counts as stalled, and is ended with the reason `stalled`. Milliseconds; default 900,000, for an agent
   * may wait long for a model that thinks, or that makes it wait its turn, without a sign of life. `null`: never.
   */
  readonly stalledAfterMs?: number | null;
  /** Below this share of one processor it counts as doing nothing: timers alone take a little. Default 0.005. */
  readonly idleCpuShare?: number;
  /** After so long `onSoftTimeout` is called, once. Milliseconds; default `null`: never. */
  readonly softTimeoutMs?: number | null;
  /** Between TERM and KILL where it is ended. Default: that of the process. */
  readonly graceMs?: number;
  readonly onHealth?: (health: ProcessHealth) => void;
  readonly onSoftTimeout?: (runningMs: number) => void;
  /** Told before it is ended. */
  readonly onStalled?: (health: ProcessHealth) => void;
  /** A look that failed, or what a callback threw; the watch goes on. */
  readonly onProblem?: (error: Error) => void;
}

export interface HealthWatch {
  /** What the last look saw. */
  latest(): ProcessHealth | null;
  /** It also stops by itself when the process ends. */
  stop(): void;
}

export const DEFAULT_HEALTH_EVERY_MS = 15_000;
export const DEFAULT_STALLED_AFTER_MS = 15 * 60_000;
const DEFAULT_IDLE_CPU_SHARE = 0.005;
/** Longer timers fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;
/** Of a longer time between two looks (this process was stopped, perhaps) only so many intervals count as idle. */
const INTERVALS_COUNTED_MAX = 2;

/** A look at a tree. */
export interface Look {
  /** By `performance.now()`. */
  readonly atMs: number;
  readonly lastOutputMs: number | null;
  readonly usage: TreeUsage;
}

/** Whether something happened between two looks: output, a process more or less, or work on the processor. Pure. */
export function wasActive(before: Look, now: Look, idleCpuShare: number): boolean {
  if (now.lastOutputMs !== before.lastOutputMs) return true;
  if (now.usage.keys.join() !== before.usage.keys.join()) return true;
  return shareOf(before, now) >= idleCpuShare;
}

/** Of one processor. What an ended child had used may be gone from the sum; then it has changed as well. Pure. */
function shareOf(before: Look, now: Look): number {
  const tookMs = Math.max(1, now.atMs - before.atMs);
  return Math.abs(now.usage.cpuMs - before.usage.cpuMs) / tookMs;
}

/** Looks at a process now and then, warns when it takes long, and ends it when it does nothing any more. */
export function watchHealth(child: SupervisedProcess, options: HealthOptions = {}): HealthWatch {
  const stalledAfterMs =
    options.stalledAfterMs === undefined ? DEFAULT_STALLED_AFTER_MS : options.stalledAfterMs;
  const everyMs =
    options.everyMs ?? Math.min(DEFAULT_HEALTH_EVERY_MS, stalledAfterMs ?? DEFAULT_HEALTH_EVERY_MS);
  const idleCpuShare = options.idleCpuShare ?? DEFAULT_IDLE_CPU_SHARE;
  const startedMs = performance.now();
  let before: Look | null = null;
  let idleMs = 0;
  let latest: ProcessHealth | null = null;
  let stopped = child.pid === null;
  let timer: NodeJS.Timeout | undefined;
  let softTimer: NodeJS.Timeout | undefined;

  function call(work: () => void): void {
    try {
      work();
    } catch (error) {
      // Thrown out of a timer it would end the daemon, and all its other agents with it.
      options.onProblem?.(error instanceof Error ? error : new Error(String(error)));
    }
  }

  function stop(): void {
    stopped = true;
    clearTimeout(timer);
    clearTimeout(softTimer);
  }

  function judge(now: Look): ProcessHealth {
    const passedMs = before === null ? 0 : Math.min(now.atMs - before.atMs, everyMs * INTERVALS_COUNTED_MAX);
    idleMs = before === null || wasActive(before, now, idleCpuShare) ? 0 : idleMs + passedMs;
    return {
      at: new Date(),
      runningMs: now.atMs - startedMs,
      silentMs: now.atMs - (now.lastOutputMs ?? startedMs),
      idleMs,
      cpuMs: now.usage.cpuMs,
      cpuShare: before === null ? 0 : shareOf(before, now),
      memoryBytes: now.usage.memoryBytes,
      processes: now.usage.keys.length,
    };
  }

  async function look(): Promise<void> {
    let now: Look;
    try {
      const usage = await child.usage();
      now = { atMs: performance.now(), lastOutputMs: child.lastOutputMs(), usage };
    } catch (error) {
      // What can't be seen is not idle.
      before = null;
      idleMs = 0;
      call(() => {
        throw error;
      });
      return;
    }
    if (stopped) return;
    const health = judge(now);
    before = now;
    latest = health;
    call(() => options.onHealth?.(health));
    if (stalledAfterMs === null || health.idleMs < stalledAfterMs) return;
    stop();
    call(() => options.onStalled?.(health));
    void child.terminate('stalled', options.graceMs === undefined ? {} : { graceMs: options.graceMs });
  }

  function next(): void {
    if (stopped) return;
    timer = setTimeout(() => void look().then(next), everyMs);
  }

  if (!stopped) {
    const { softTimeoutMs } = options;
    if (softTimeoutMs !== undefined && softTimeoutMs !== null) {
      softTimer = setTimeout(
        () => call(() => options.onSoftTimeout?.(performance.now() - startedMs)),
        Math.min(softTimeoutMs, TIMER_MS_MAX),
      );
    }
    void child.exited.then(stop);
    void look().then(next);
  }
  return { latest: () => latest, stop };
}

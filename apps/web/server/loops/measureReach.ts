export interface Reach {
  /** To be told of each sign that calls are answered; says for how many seconds they have been without a break. */
  note(): number;
}

export interface MeasureReachOptions {
  /** So long without a sign is a break: the database was away, or this machine asleep. Milliseconds. */
  breakMs: number;
  /** Time of day in milliseconds, which goes on while a machine sleeps. Default Date.now. */
  wallMs?: () => number;
  /** A clock that nobody sets. Default performance.now. */
  steadyMs?: () => number;
}

/**
 * Measures for how long daemons could have renewed their leases. What runs out while the server, its database or the
 * whole machine is away is nobody's fault: without this, the first sweep after it would take the work of every living
 * daemon, before any of them can say a word.
 */
export function measureReach(options: MeasureReachOptions): Reach {
  const wallMs = options.wallMs ?? Date.now;
  const steadyMs = options.steadyMs ?? (() => performance.now());
  let since = steadyMs();
  let last: { wall: number; steady: number } | null = null;
  return {
    note() {
      const now = { wall: wallMs(), steady: steadyMs() };
      const gap = last === null ? 0 : Math.max(now.wall - last.wall, now.steady - last.steady);
      if (last === null || gap > options.breakMs) since = now.steady;
      last = now;
      return (now.steady - since) / 1_000;
    },
  };
}

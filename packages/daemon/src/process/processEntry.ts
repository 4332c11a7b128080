/** One row of the machine's process table. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parentPid: number;
  readonly groupId: number;
  /** `null` where the platform doesn't tell. */
  readonly sessionId: number | null;
  /**
   * When it started: clock ticks since boot on Linux, seconds since 1970 elsewhere. With the pid it names one
   * process for good, so that a pid given out again is never mistaken for the process that had it before.
   */
  readonly startedAt: number;
  /** A zombie: it has ended and only waits to be reaped. */
  readonly ended: boolean;
}

export interface ProcessTable {
  readonly entries: readonly ProcessEntry[];
  /** False when a process vanished while the table was read: a child of it may be missing. */
  readonly complete: boolean;
}

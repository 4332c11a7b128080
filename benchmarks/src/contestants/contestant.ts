/** Something that can do no-op tasks, alone in a process of its own; see serveContestant. */
export interface Contestant {
  /** What another process needs to join in the work of this one; null where nothing has to be known. */
  readonly joinWith: string | null;
  /** Fills its queue; not measured. */
  fill(tasks: number): Promise<void>;
  /** Does so many of them with so many in flight, and says when the first was asked for and the last one settled. */
  drain(tasks: number, inFlight: number): Promise<Drained>;
  /** Not measured: throws unless what it keeps says that all tasks ever filled were done, and done once. */
  verify(): Promise<void>;
  close(): Promise<void>;
}

export interface Drained {
  /** Milliseconds of the clock of `monotonicMs`. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** One entry for each task done, as the queue calls it: a task done twice is in it twice. */
  readonly done: readonly string[];
}

/** Milliseconds on a clock that all processes of a machine share and nobody sets. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Something that can do no-op tasks, measured beside others. */
export interface Contestant {
  readonly name: string;
  /** How many tasks one round does: fewer where the contestant is slow, so that rounds last alike. */
  readonly tasks: number;
  /** Fills its queue; not measured. */
  fill(tasks: number): Promise<void>;
  /** Does all of them with so many in flight, and proves that each was done once; this is measured. */
  drain(tasks: number, inFlight: number): Promise<void>;
  close(): Promise<void>;
}

/** What one process uses. */
export interface ProcessUsage {
  /** Of its whole life, user and system; on Linux with what its ended children used. */
  readonly cpuMs: number;
  /** In memory now; what processes share counts for each of them. */
  readonly memoryBytes: number;
}

/** What a whole tree uses now. */
export interface TreeUsage extends ProcessUsage {
  /** Which processes these are: another set of them means that something happened. */
  readonly keys: readonly string[];
}

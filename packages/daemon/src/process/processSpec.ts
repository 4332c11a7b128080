/** What to run and within which limits. Times are milliseconds, sizes are bytes of UTF-8. */
export interface ProcessSpec {
  /** An absolute path, or a name looked up in `environment.PATH`. Never passed through a shell. */
  readonly command: string;
  readonly args: readonly string[];
  /** Working directory; must exist. */
  readonly cwd: string;
  /** The complete environment: nothing of the daemon's own environment is added, except the two markers. */
  readonly environment: Readonly<Record<string, string>>;
  /** Text for stdin, followed by end of file at once. Default: empty, so a program that reads sees the end. */
  readonly input?: string;
  /** Wall-clock limit from the start; `null` means none. */
  readonly timeoutMs: number | null;
  /** Time between TERM and KILL when the process is ended by us. Default 10,000. */
  readonly graceMs?: number;
  /** How long a stream may stay open and silent after the exit before it is destroyed. Default 250. */
  readonly lingerMs?: number;
  /** Kept of each stream, head and tail, with a mark between. Default 5 MiB. */
  readonly outputLimitBytes?: number;
  /** Longest line handed out whole; of a longer one the middle is dropped. Default 256 KiB. */
  readonly lineLimitBytes?: number;
  /** Identifies the tree: set as `NEOLITH_ATTEMPT` and inherited by every descendant. Must be unique. */
  readonly runMarker: string;
  /** Identifies the life of the daemon (see `describeDaemonLife`): set as `NEOLITH_DAEMON`. */
  readonly daemonMarker?: string;
  /** Values that must never be handed out: replaced in every line and in what is captured. */
  readonly secrets?: readonly string[];
}

/** Why we ended a process that had not ended by itself. */
export type TerminationReason = 'cancelled' | 'lease_lost' | 'shutdown' | 'lingered' | 'stalled' | 'gave_way';

export interface OutputLine {
  readonly stream: 'stdout' | 'stderr';
  /** Sanitised and redacted, without its line break. */
  readonly text: string;
  /** True when the middle of the line was dropped because it was longer than the limit. */
  readonly cut: boolean;
}

export interface ProcessCallbacks {
  /** Called for each line, in order within a stream. What it throws is caught and named in the outcome. */
  readonly onLine?: (line: OutputLine) => void;
}

export const DEFAULT_GRACE_MS = 10_000;
export const DEFAULT_LINGER_MS = 250;
export const DEFAULT_OUTPUT_LIMIT_BYTES = 5 * 1024 * 1024;
export const DEFAULT_LINE_LIMIT_BYTES = 256 * 1024;

/** Descendants that outlive a process which ended by itself get no more than this between TERM and KILL. */
export const LEFTOVER_GRACE_MS_MAX = 2_000;

export const ATTEMPT_MARKER = 'NEOLITH_ATTEMPT';
export const DAEMON_MARKER = 'NEOLITH_DAEMON';

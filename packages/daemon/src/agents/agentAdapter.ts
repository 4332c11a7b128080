import type { CapturedText } from '../process/boundedText.js';
import type { ProcessOutcome } from '../process/processOutcome.js';
import type { OutputLine, TerminationReason } from '../process/processSpec.js';

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

export interface AgentArtifact {
  readonly type: string;
  readonly content: JsonValue;
}

/** What an agent says about its task while it works. */
export type AgentSignal =
  | { readonly kind: 'progress'; readonly percent: number; readonly message?: string }
  | { readonly kind: 'message'; readonly message: string }
  | { readonly kind: 'artifact'; readonly artifact: AgentArtifact }
  | { readonly kind: 'result'; readonly output: JsonValue }
  | { readonly kind: 'blocked'; readonly reason: string; readonly question?: string }
  | { readonly kind: 'metadata'; readonly metadata: { readonly [key: string]: JsonValue } };

/** A line that the adapter understood as more than log: what it says, and what was wrong with it. */
export interface ParsedLine {
  readonly signals: readonly AgentSignal[];
  readonly warning?: string;
}

export interface AgentDetection {
  readonly found: boolean;
  readonly version?: string;
  /** Absolute path of the program. */
  readonly path?: string;
  /** What to do when it is not found. */
  readonly remedy?: string;
}

export interface AgentRequest {
  readonly taskId: string;
  readonly attemptId: string;
  /** Where the agent works. */
  readonly workingDirectory: string;
  /** Of this attempt alone, mode 0700; see `prepareAttemptDirectory`. */
  readonly attemptDirectory: string;
  /** Everything needed to do the task, as the server gave it out. */
  readonly context: JsonValue;
}

export interface AgentCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Complete. */
  readonly environment: Readonly<Record<string, string>>;
  /** For stdin. */
  readonly input: string;
  /** A file that the agent may leave its result in, as JSON. */
  readonly resultFile?: string;
  /** How long an agent may live on after its result without saying anything; `null` for as long as it likes. */
  readonly lingerAfterResultMs: number | null;
}

/** All that is known when the agent has ended. */
export interface AgentEnding {
  readonly outcome: ProcessOutcome;
  /** The last of each; absent when there was none. */
  readonly output?: JsonValue;
  readonly blocked?: { readonly reason: string; readonly question?: string };
  /** Content of the result file, if there was one that is JSON. */
  readonly fileOutput?: JsonValue;
  /** The lines of stdout that were not signals; head and tail. */
  readonly plainOutput: CapturedText;
}

/** Which budget a failure uses up. */
export type FailureClass = 'task' | 'agent' | 'provider' | 'infrastructure';

export type AgentVerdict =
  | { readonly status: 'completed'; readonly output: JsonValue }
  | { readonly status: 'blocked'; readonly reason: string; readonly question?: string }
  | {
      readonly status: 'failed';
      readonly failureClass: FailureClass;
      /** Stable, for programs: `EXIT_CODE`, `OUT_OF_MEMORY`, `SIGNALLED`, `SPAWN_FAILED`… */
      readonly code: string;
      /** For people: at most 2 KB. */
      readonly error: string;
      /** When it exited by itself. */
      readonly exitCode?: number;
    }
  | { readonly status: 'timed_out'; readonly error: string }
  | { readonly status: 'terminated'; readonly reason: TerminationReason; readonly error: string };

/** One kind of agent: how to start it and how to read what it prints. */
export interface AgentAdapter {
  readonly name: string;
  /** Whether the agent can be started here. Never throws. */
  detect(): Promise<AgentDetection>;
  /** Prepares the attempt's files and says what to run. Throws `AgentError` when the agent isn't configured. */
  start(request: AgentRequest): Promise<AgentCommand>;
  /** `null`: nothing but log. Must not throw: an agent's output is not to be trusted. */
  parseLine?(line: OutputLine): ParsedLine | null;
  /** Judges the ending. Pure. */
  result(ending: AgentEnding): AgentVerdict;
}

import type { CapturedText } from '../process/boundedText.js';
import type { ProcessOutcome } from '../process/processOutcome.js';
import type { OutputLine, TerminationReason } from '../process/processSpec.js';

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

export interface AgentArtifact {
  readonly type: string;
  readonly content: JsonValue;
}

/** What an attempt has used up so far, as far as its agent tells. Tokens are those of all its calls of a model. */
export interface AgentUsage {
  /** Without those that a cache gave or took. */
  readonly inputTokens?: number;
  /** With those of its reasoning. */
  readonly outputTokens?: number;
  readonly cacheReadTokens?: number;
  readonly cacheWriteTokens?: number;
  /** In US dollars, as the agent reckons it. */
  readonly costUsd?: number;
  readonly model?: string;
  /** Rounds of model and tools. */
  readonly turns?: number;
}

/** What kept an agent from its work that is not the task's fault: no log-in, no quota, a provider that is down. */
export interface AgentFault {
  readonly failureClass: FailureClass;
  /** Stable, for programs: `NOT_LOGGED_IN`, `QUOTA_EXCEEDED`, `RATE_LIMITED`, `PROVIDER_UNAVAILABLE`… */
  readonly code: string;
  /** For people, with the remedy. */
  readonly message: string;
  /** Not before this time or duration, where the agent tells it, as `parseResetTime` gives it. */
  readonly resetAt?: string;
}

/** What an agent says about its task while it works. */
export type AgentSignal =
  /** The sums so far: each takes the place of the one before, field by field. */
  | { readonly kind: 'usage'; readonly usage: AgentUsage }
  /** The last one counts, and only where the agent then fails. */
  | { readonly kind: 'fault'; readonly fault: AgentFault }
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
  /** For the log in place of the line, which is for programs: one line or several. Absent: nothing is worth it. */
  readonly log?: string;
}

/** `null`: nothing but log. Must not throw: an agent's output is not to be trusted. */
export type LineReader = (line: OutputLine) => ParsedLine | null;

/** Whether the agent has what it needs to be let in by its provider, as far as can be seen without asking it. */
export interface AgentLogin {
  /** `unknown`: nothing was found, though it may keep its log-in where we can't look. */
  readonly state: 'found' | 'unknown';
  /** Name of the variable, or path of the file, never what is in it. */
  readonly by?: string;
  /** How to log in, when nothing was found. */
  readonly remedy?: string;
}

export interface AgentDetection {
  readonly found: boolean;
  readonly version?: string;
  /** Absolute path of the program. */
  readonly path?: string;
  /** What to do when it is not found. */
  readonly remedy?: string;
  /** Of agents that need one. */
  readonly login?: AgentLogin;
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
  /** The whole task in words, for agents that read (see `writeTaskPrompt`). May be megabytes: never for argv. */
  readonly prompt: string;
  /** Chosen for this task; absent: the agent's own default. */
  readonly model?: string;
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
  /** A file that the agent leaves what it used up in, as JSON, and how to read it. Takes the place of what it told. */
  readonly usageFile?: { readonly path: string; read(content: JsonValue): AgentUsage };
  /** How long an agent may live on after its result without saying anything; `null` for as long as it likes. */
  readonly lingerAfterResultMs: number | null;
  /** What it was given to be let in by: never handed on, in whatever form. */
  readonly secrets?: readonly string[];
  /**
   * Names in the working directory that the command makes for itself; `*` at the end stands for any ending. What was not
   * there before goes when the agent has ended: it is no work. Default none.
   */
  readonly scratch?: readonly string[];
  /** Where its lines are longer than others', see `ProcessSpec`. */
  readonly lineLimitBytes?: number;
}

/** For agents that only a person can start, such as an editor: nothing is run, and the task waits for that person. */
export interface AgentHandOff {
  readonly handOff: true;
  readonly reason: string;
  readonly question: string;
  /** Whether the person is to work where the agent would: that place is kept for them, and for the next attempt. */
  readonly here: boolean;
}

/** For a task that somebody else has done meanwhile: nothing is run. */
export interface AgentDone {
  readonly done: true;
  readonly output: JsonValue;
}

/** All that is known when the agent has ended. */
export interface AgentEnding {
  readonly outcome: ProcessOutcome;
  /** The last of each; absent when there was none. */
  readonly output?: JsonValue;
  readonly blocked?: { readonly reason: string; readonly question?: string };
  readonly usage?: AgentUsage;
  readonly fault?: AgentFault;
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
      /** Not to be tried with this agent before: a time, or a duration from now on; ISO 8601. */
      readonly resetAt?: string;
    }
  | { readonly status: 'timed_out'; readonly error: string }
  | { readonly status: 'terminated'; readonly reason: TerminationReason; readonly error: string };

/** One kind of agent: how to start it and how to read what it prints. */
export interface AgentAdapter {
  readonly name: string;
  /**
   * A digest of all that decides what it brings, as it is now (see `fingerprintOf`): agents of one name that are configured
   * otherwise don't take over each other's results. Default: nothing does. Never rejects.
   */
  fingerprint?(): Promise<string>;
  /** Its silence means nothing, such as that of a script which waits for something. Default: it is a sign of a stall. */
  readonly mayBeSilent?: boolean;
  /** Its start leaves the task to a person, in a place outside of the attempt's directory. Default: it does not. */
  readonly handsOver?: boolean;
  /** Whether the agent can be started here. Never throws. */
  detect(): Promise<AgentDetection>;
  /**
   * A look before each task whether it could still be started, without starting anything. Null: it could; else what is missing,
   * with the remedy. Default: it could. Never rejects.
   */
  findMissing?(): Promise<string | null>;
  /** Prepares the attempt's files and says what to run. Throws `AgentError` when the agent isn't configured. */
  start(request: AgentRequest): Promise<AgentCommand | AgentHandOff | AgentDone>;
  /** A reader for the lines of one attempt, which may remember what it has read. Absent: all of it is log. */
  createLineReader?(): LineReader;
  /** Judges the ending. Pure. */
  result(ending: AgentEnding): AgentVerdict;
}

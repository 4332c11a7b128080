import type { Route } from '@neolith/contracts';
import type { AgentCommand, AgentRequest, JsonValue } from '../agents/agentAdapter.js';
import { providerOf } from '../agents/providerOf.js';

/** Milliseconds; null: none. */
export interface ExecutionLimits {
  /** Then it is ended. */
  readonly timeoutMs: number | null;
  /** Then whoever watches is told. */
  readonly softTimeoutMs: number | null;
  /** An agent that for so long neither prints nor uses the processor is ended. */
  readonly stalledAfterMs: number | null;
  /** Between TERM and KILL. */
  readonly graceMs: number;
}

/**
 * Exactly what a daemon runs for one attempt: which agent with which model, told what, where, and for how long. The daemon
 * runs this object and nothing beside it.
 */
export interface ExecutionRequest extends AgentRequest {
  readonly agent: string;
  /** Whose service it needs. */
  readonly provider: string;
  /** Why this agent; null: there was nothing to choose. */
  readonly route: Route | null;
  /** What the attempt holds, as the task declares it: `exclusive NAME` or `shared NAME`. */
  readonly resources: readonly string[];
  readonly limits: ExecutionLimits;
}

export interface ExecutionFacts {
  readonly taskId: string;
  readonly attemptId: string;
  readonly agent: string;
  readonly model?: string | undefined;
  /** Default: the provider of the agent with that model. */
  readonly provider?: string;
  readonly route?: Route | null;
  readonly workingDirectory: string;
  readonly attemptDirectory: string;
  readonly context: JsonValue;
  readonly prompt: string;
  /** `exclusive NAME` or `shared NAME`. */
  readonly resources?: readonly string[];
  /** Of the task; null or absent: what the daemon gives. */
  readonly timeoutSeconds?: number | null;
  readonly defaults: {
    readonly taskTimeoutMs: number | null;
    readonly stalledAfterMs: number | null;
    readonly graceMs: number;
  };
  /** Its silence means nothing. */
  readonly mayBeSilent?: boolean | undefined;
}

/** Of the time that an agent may take: then it is told that it takes long. */
const SOFT_TIMEOUT_SHARE = 0.8;

/** Makes the request out of a task, its route and the place where it is done. Pure: the same input, the same request. */
export function buildExecutionRequest(input: ExecutionFacts): ExecutionRequest {
  const { model, timeoutSeconds = null, defaults } = input;
  const timeoutMs = timeoutSeconds === null ? defaults.taskTimeoutMs : timeoutSeconds * 1_000;
  return {
    taskId: input.taskId,
    attemptId: input.attemptId,
    agent: input.agent,
    provider: input.provider ?? providerOf(input.agent, model),
    ...(model === undefined ? {} : { model }),
    route: input.route ?? null,
    workingDirectory: input.workingDirectory,
    attemptDirectory: input.attemptDirectory,
    context: input.context,
    prompt: input.prompt,
    resources: input.resources ?? [],
    limits: {
      timeoutMs,
      softTimeoutMs: timeoutMs === null ? null : timeoutMs * SOFT_TIMEOUT_SHARE,
      stalledAfterMs: input.mayBeSilent === true ? null : defaults.stalledAfterMs,
      graceMs: defaults.graceMs,
    },
  };
}

/** A request in a few words, with what it becomes at the start of a process: no secret, and nothing of the prompt. */
export interface ExecutionDescription {
  readonly agent: string;
  readonly provider: string;
  readonly model: string | null;
  readonly workingDirectory: string;
  /** Absolute path and arguments; null: no process is started. */
  readonly argv: readonly string[] | null;
  /** What goes in by stdin: the prompt, something else as text, or nothing. */
  readonly stdin: { readonly kind: 'prompt' | 'text' | 'empty'; readonly bytes: number };
  /** Of its variables, never their values. */
  readonly environmentNames: readonly string[];
  readonly promptBytes: number;
  readonly resources: readonly string[];
  readonly limits: ExecutionLimits;
}

/** Pure. `command` null: a person does the task, or it is done. */
export function describeExecution(
  request: ExecutionRequest,
  command: Pick<AgentCommand, 'command' | 'args' | 'environment' | 'input'> | null,
): ExecutionDescription {
  const input = command?.input ?? '';
  return {
    agent: request.agent,
    provider: request.provider,
    model: request.model ?? null,
    workingDirectory: request.workingDirectory,
    argv: command === null ? null : [command.command, ...command.args],
    stdin: {
      kind: input === '' ? 'empty' : input === request.prompt ? 'prompt' : 'text',
      bytes: Buffer.byteLength(input),
    },
    environmentNames: Object.keys(command?.environment ?? {}).sort(),
    promptBytes: Buffer.byteLength(request.prompt),
    resources: request.resources,
    limits: request.limits,
  };
}

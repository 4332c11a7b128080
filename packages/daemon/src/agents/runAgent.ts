import { createBoundedText } from '../process/boundedText.js';
import type { ProcessOutcome, ProcessRecord } from '../process/processOutcome.js';
import { DEFAULT_LINE_LIMIT_BYTES, type OutputLine, type TerminationReason } from '../process/processSpec.js';
import { createRedactor } from '../process/redactSecrets.js';
import { sanitiseText } from '../process/sanitiseText.js';
import { superviseProcess } from '../process/superviseProcess.js';
import { type HealthOptions, type ProcessHealth, watchHealth } from '../process/watchHealth.js';
import type {
  AgentAdapter,
  AgentArtifact,
  AgentCommand,
  AgentEnding,
  AgentRequest,
  AgentSignal,
  AgentUsage,
  AgentVerdict,
  ParsedLine,
} from './agentAdapter.js';
import { cleanSignal } from './cleanSignal.js';
import { mapStrings } from './parseJson.js';
import { readResultFile } from './readResultFile.js';
import { findScratch, removeScratch } from './scratchFiles.js';

export interface AgentRunOptions {
  /** Milliseconds; `null` means none. */
  readonly timeoutMs: number | null;
  /** See `ProcessSpec`; the defaults are the same. */
  readonly graceMs?: number;
  readonly outputLimitBytes?: number;
  readonly lineLimitBytes?: number;
  /** See `describeDaemonLife`. */
  readonly daemonMarker?: string;
  /** Never handed on, in whatever form: the daemon's own token, the values of configured credentials. */
  readonly secrets?: readonly string[];
  /** Further variables for its process. Default none. */
  readonly environment?: Readonly<Record<string, string>>;
  /** How it is looked after; with `{}` an agent that stalls is ended. Default: it is not. */
  readonly health?: HealthOptions;
}

export interface AgentRunCallbacks {
  /** In the order of printing. A chatty agent may call it thousands of times a second: coalesce. */
  readonly onSignal?: (signal: AgentSignal) => void;
  /** Lines that are log: all of stderr, and what is no signal on stdout. */
  readonly onLog?: (line: OutputLine) => void;
  /** Something was not understood or left out; the attempt goes on. */
  readonly onWarning?: (warning: string) => void;
}

export interface AgentRunReport {
  readonly verdict: AgentVerdict;
  /** The first ones, up to 100 and 5 MB in all; a warning tells of the others. */
  readonly artifacts: readonly AgentArtifact[];
  readonly warnings: readonly string[];
  /** What it used up, as far as it told; also of an agent that failed or was ended. */
  readonly usage: AgentUsage | null;
  /** Of a task that was handed to a person, or had been done by one, no process ran: `kind` is `not_run`. */
  readonly outcome: ProcessOutcome | NothingRun;
}

/** In place of a process's outcome, with the same fields. */
export type NothingRun = ProcessRecord & {
  readonly kind: 'not_run';
  /** A person was asked to work in its working directory, which must stay for them. */
  readonly handedOff: boolean;
};

export interface AgentRun {
  readonly pid: number | null;
  /** What it was given and must not be handed on, the daemon's own included. */
  readonly secrets: readonly string[];
  /** As it was at the last look; null before it, and where nobody looks. */
  health(): ProcessHealth | null;
  /** Never rejects. When it resolves nothing of the agent is alive. */
  readonly finished: Promise<AgentRunReport>;
  terminate(reason: TerminationReason, options?: { readonly graceMs?: number }): Promise<AgentRunReport>;
}

const ARTIFACTS_MAX = 100;
const ARTIFACT_BYTES_MAX = 5 * 1024 * 1024;
const WARNINGS_MAX = 50;
const PLAIN_OUTPUT_BYTES = 64 * 1024;

/**
 * Runs one attempt: prepares it, supervises the process, reads what it says, and judges how it ended.
 * All text handed out, inside JSON too, is sanitised and redacted.
 * Throws what `adapter.start` throws, before anything was started.
 */
export async function runAgent(
  adapter: AgentAdapter,
  request: AgentRequest,
  options: AgentRunOptions,
  callbacks: AgentRunCallbacks = {},
): Promise<AgentRun> {
  const startedAt = new Date();
  const started = await adapter.start(request);
  if ('handOff' in started) {
    const { reason, question, here } = started;
    return runNothing({ status: 'blocked', reason, question }, startedAt, here, options.secrets ?? []);
  }
  if ('done' in started) {
    const { output } = started;
    return runNothing({ status: 'completed', output }, startedAt, false, options.secrets ?? []);
  }
  const before = await findScratch(request.workingDirectory, started.scratch ?? []);
  return runCommand(adapter, started, before, request, options, callbacks);
}

function runNothing(
  verdict: AgentVerdict,
  startedAt: Date,
  handedOff: boolean,
  secrets: readonly string[],
): AgentRun {
  const nothing = createBoundedText(0).read();
  const finished = Promise.resolve<AgentRunReport>({
    verdict,
    artifacts: [],
    warnings: [],
    usage: null,
    outcome: {
      kind: 'not_run',
      handedOff,
      pid: null,
      stdout: nothing,
      stderr: nothing,
      startedAt,
      durationMs: 0,
      endedDescendants: 0,
      survivors: [],
      problem: null,
    },
  });
  return { pid: null, secrets, health: () => null, finished, terminate: () => finished };
}

function runCommand(
  adapter: AgentAdapter,
  command: AgentCommand,
  scratchBefore: readonly string[],
  request: AgentRequest,
  options: AgentRunOptions,
  callbacks: AgentRunCallbacks,
): AgentRun {
  const secrets = [...(options.secrets ?? []), ...(command.secrets ?? [])];
  const redactor = createRedactor(secrets);
  const clean = (text: string): string => redactor.redact(sanitiseText(text));
  const readLine = adapter.createLineReader?.() ?? (() => null);
  const plainOutput = createBoundedText(PLAIN_OUTPUT_BYTES);
  const artifacts: AgentArtifact[] = [];
  const warnings: string[] = [];
  let artifactBytes = 0;
  let said: Pick<AgentEnding, 'output' | 'blocked' | 'usage' | 'fault'> = {};
  let lingerTimer: NodeJS.Timeout | undefined;

  function warn(warning: string): void {
    const text = clean(warning);
    if (warnings.length < WARNINGS_MAX) warnings.push(text);
    try {
      callbacks.onWarning?.(text);
    } catch (error) {
      // The report must come whatever the listener does; it carries the warning as well.
      warnings.push(`A warning could not be delivered: ${clean(String(error))}`);
    }
  }

  function keepArtifact(artifact: AgentArtifact): boolean {
    const bytes = Buffer.byteLength(JSON.stringify(artifact.content)) + Buffer.byteLength(artifact.type);
    if (artifacts.length >= ARTIFACTS_MAX || artifactBytes + bytes > ARTIFACT_BYTES_MAX) {
      warn(
        `An artifact of type ${JSON.stringify(artifact.type)} (${bytes} bytes) was left out: there are too many.`,
      );
      return false;
    }
    artifacts.push(artifact);
    artifactBytes += bytes;
    return true;
  }

  function take(signal: AgentSignal): void {
    if (signal.kind === 'artifact' && !keepArtifact(signal.artifact)) return;
    if (signal.kind === 'result') said = { ...said, output: signal.output };
    if (signal.kind === 'blocked') {
      const { kind: _kind, ...blocked } = signal;
      said = { ...said, blocked };
    }
    if (signal.kind === 'usage') said = { ...said, usage: { ...said.usage, ...signal.usage } };
    if (signal.kind === 'fault') said = { ...said, fault: signal.fault };
    callbacks.onSignal?.(signal);
  }

  function read(line: OutputLine): ParsedLine | null {
    try {
      return readLine(line);
    } catch (error) {
      // A fault of ours, and no reason to lose the line or the attempt.
      warn(`A line of the agent's output could not be read: ${String(error)}`);
      return null;
    }
  }

  function onLine(line: OutputLine): void {
    const parsed = read(line);
    if (parsed === null || (parsed.warning !== undefined && parsed.log === undefined)) {
      if (line.stream === 'stdout') plainOutput.append(`${line.text}\n`);
      callbacks.onLog?.(line);
    } else if (parsed.log !== undefined && parsed.log !== '') {
      for (const text of clean(parsed.log).split('\n')) callbacks.onLog?.({ ...line, text });
    }
    if (parsed?.warning !== undefined) warn(parsed.warning);
    for (const signal of parsed?.signals ?? []) {
      take(cleanSignal(signal, clean));
    }
    restartLingerTimer();
  }

  /** An agent that has given its result and then neither speaks nor goes would hold its slot for nothing. */
  function restartLingerTimer(): void {
    const { lingerAfterResultMs } = command;
    if (lingerAfterResultMs === null || (said.output === undefined && said.blocked === undefined)) return;
    if (lingerTimer !== undefined) {
      lingerTimer.refresh();
      return;
    }
    lingerTimer = setTimeout(() => void child.terminate('lingered'), lingerAfterResultMs);
  }

  const child = superviseProcess(
    {
      command: command.command,
      args: command.args,
      cwd: request.workingDirectory,
      input: command.input,
      runMarker: request.attemptId,
      ...options,
      environment: { ...command.environment, ...options.environment },
      lineLimitBytes: options.lineLimitBytes ?? command.lineLimitBytes ?? DEFAULT_LINE_LIMIT_BYTES,
      secrets,
    },
    { onLine },
  );
  const watch = options.health === undefined ? null : watchHealth(child, options.health);

  async function finish(): Promise<AgentRunReport> {
    const outcome = await child.exited;
    clearTimeout(lingerTimer);
    if (outcome.problem !== null)
      warn(`The agent's output was not handled fully: ${outcome.problem.message}`);
    try {
      await removeScratch(request.workingDirectory, command.scratch ?? [], scratchBefore);
    } catch (error) {
      warn(`What the agent's command made for itself could not be removed: ${String(error)}`);
    }
    const file = command.resultFile === undefined ? null : await readResultFile(command.resultFile);
    if (file?.kind === 'refused') warn(file.warning);
    const usage = await readUsageFile(command);
    if (usage !== null) take(cleanSignal({ kind: 'usage', usage }, clean));
    const verdict = adapter.result({
      outcome,
      ...said,
      ...(file?.kind === 'read' ? { fileOutput: mapStrings(file.value, clean) } : {}),
      plainOutput: plainOutput.read(),
    });
    return { verdict, artifacts, warnings, usage: said.usage ?? null, outcome };
  }

  const finished = finish();
  return {
    pid: child.pid,
    secrets,
    health: () => watch?.latest() ?? null,
    finished,
    async terminate(reason, terminateOptions) {
      await child.terminate(reason, terminateOptions);
      return finished;
    },
  };
}

/** Null where there is none, or none that can be read: an agent that was ended leaves none. */
async function readUsageFile({ usageFile }: AgentCommand): Promise<AgentUsage | null> {
  if (usageFile === undefined) return null;
  const file = await readResultFile(usageFile.path);
  return file.kind === 'read' ? usageFile.read(file.value) : null;
}

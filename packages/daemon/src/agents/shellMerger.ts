import { keepLastBytes } from '../process/boundedText.js';
import type { ProcessOutcome } from '../process/processOutcome.js';
import type { AgentAdapter, AgentVerdict, JsonValue } from './agentAdapter.js';
import type { AgentDependencies } from './agentDependencies.js';
import { AgentError } from './agentError.js';
import { prepareAttemptDirectory } from './attemptDirectory.js';
import type { Merger, MergeVerdict } from './merger.js';
import { runAgent } from './runAgent.js';
import { createShellAgent } from './shell.js';

export interface ShellMergerConfiguration {
  /** A line for `/bin/sh -c`. From the daemon's configuration and nowhere else: nothing of a task is ever put into it. */
  readonly command: string;
  /** Further variables of the daemon's environment to pass on. Default none. */
  readonly environmentNames?: readonly string[];
}

/** What a failed merge quotes of its output. */
const ERROR_TAIL_BYTES = 8 * 1024;

/**
 * Merges by a command of the operator's choice, run like the shell agent: where the agent worked, with the context as
 * JSON on stdin and in `NEOLITH_CONTEXT_FILE`, to which `result: { output }` of the agent is added, and with the same few
 * variables. Exit 0 is merged; an `output` that it names by the line protocol or in `NEOLITH_RESULT_FILE` takes the place
 * of the agent's. Anything else is a failed merge, with the tail of its output as the reason.
 */
export function createShellMerger(
  dependencies: AgentDependencies,
  configuration: ShellMergerConfiguration,
): Merger {
  if (configuration.command.trim() === '') {
    throw new AgentError(
      'AGENT_CONFIGURATION_INVALID',
      'The merge command is empty. Give a line for /bin/sh, or leave it out where nothing is to be merged.',
    );
  }
  const adapter: AgentAdapter = {
    ...createShellAgent(dependencies, { ...configuration, lingerAfterResultMs: null }),
    name: 'merge',
    result: ({ outcome, output, fileOutput }): AgentVerdict =>
      outcome.kind === 'exited' && outcome.code === 0
        ? { status: 'completed', output: output ?? fileOutput ?? null }
        : outcome.kind === 'terminated'
          ? { status: 'terminated', reason: outcome.reason, error: '' }
          : { status: 'failed', failureClass: 'task', code: 'MERGE', error: describeFailedMerge(outcome) },
  };
  return {
    name: 'command',
    async start(request, limits, callbacks) {
      // The agent's own files lie beside it under the same names.
      const directory = await prepareAttemptDirectory(request.attemptDirectory, 'merge');
      const run = await runAgent(
        adapter,
        {
          taskId: request.taskId,
          attemptId: request.attemptId,
          attemptDirectory: directory,
          workingDirectory: request.workingDirectory,
          context: addResult(request.context, request.output),
          prompt: '',
        },
        limits,
        callbacks,
      );
      return {
        finished: run.finished.then(({ verdict }) => toMergeVerdict(verdict)),
        terminate: (reason, options) => void run.terminate(reason, options),
      };
    },
  };
}

function addResult(context: JsonValue, output: JsonValue): JsonValue {
  const fields = typeof context === 'object' && context !== null && !Array.isArray(context) ? context : {};
  return { ...fields, result: { output } };
}

function toMergeVerdict(verdict: AgentVerdict): MergeVerdict {
  switch (verdict.status) {
    case 'completed':
      return { kind: 'merged', ...(verdict.output === null ? {} : { output: verdict.output }) };
    case 'terminated':
      return { kind: 'terminated' };
    case 'failed':
    case 'timed_out':
      return { kind: 'failed', error: verdict.error };
    case 'blocked':
      return { kind: 'failed', error: verdict.reason };
  }
}

function describeFailedMerge(outcome: ProcessOutcome): string {
  const said = [outcome.stdout.text, outcome.stderr.text]
    .map((text) => text.trimEnd())
    .filter((text) => text !== '')
    .join('\n');
  const tail = keepLastBytes(said, ERROR_TAIL_BYTES).trimStart();
  return `${explainEnding(outcome)}${tail === '' ? '' : `\n${tail}`}`;
}

function explainEnding(outcome: ProcessOutcome): string {
  switch (outcome.kind) {
    case 'exited':
      return `The merge command exited with code ${outcome.code}.`;
    case 'signalled':
      return `The merge command was ended by ${outcome.signal}, which did not come from the daemon.`;
    case 'timed_out':
      return `The merge command was ended after its time limit of ${outcome.timeoutMs / 1_000} s.`;
    case 'terminated':
      return `The merge command was ended by the daemon (${outcome.reason}).`;
    case 'spawn_failed':
      return `The merge command can't be started: ${outcome.message}`;
  }
}

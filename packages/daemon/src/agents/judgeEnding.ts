import { keepLastBytes } from '../process/boundedText.js';
import type { AgentEnding, AgentVerdict, JsonValue } from './agentAdapter.js';

/** What a failure quotes of the agent's last words. */
const ERROR_TAIL_BYTES = 1_500;
/** What becomes the output of an agent that named none. */
const OUTPUT_TAIL_BYTES = 16 * 1024;
const OUT_OF_MEMORY_HINT = 'often the system ending a process because memory ran out';

/**
 * The verdict for agents that speak the line protocol or none: exit 0 is completed (or blocked, when the agent
 * said so), anything else a failure with the tail of what it wrote to stderr. Pure.
 */
export function judgeEnding(ending: AgentEnding): AgentVerdict {
  const { outcome } = ending;
  const lastWords = quoteLastWords(ending);
  switch (outcome.kind) {
    case 'exited':
      if (outcome.code === 0) return judgeSuccess(ending);
      return {
        status: 'failed',
        failureClass: 'task',
        code: outcome.code === 137 ? 'OUT_OF_MEMORY' : 'EXIT_CODE',
        error: `${explainExitCode(outcome.code)}${lastWords}`,
        exitCode: outcome.code,
      };
    case 'signalled':
      return {
        status: 'failed',
        failureClass: 'task',
        code: outcome.signal === 'SIGKILL' ? 'OUT_OF_MEMORY' : 'SIGNALLED',
        error:
          outcome.signal === 'SIGKILL'
            ? `The agent was killed by SIGKILL, ${OUT_OF_MEMORY_HINT}.${lastWords}`
            : `The agent was ended by ${outcome.signal}, which did not come from the daemon.${lastWords}`,
      };
    case 'timed_out':
      return {
        status: 'timed_out',
        error: `The agent was ended after its time limit of ${formatDuration(outcome.timeoutMs)}.${lastWords}`,
      };
    case 'terminated':
      // It had said all there was to say and would not go.
      if (outcome.reason === 'lingered') return judgeSuccess(ending);
      if (outcome.reason === 'stalled') {
        return {
          status: 'failed',
          failureClass: 'agent',
          code: 'STALLED',
          error: `The agent was ended: it neither printed nor did anything for too long.${lastWords}`,
        };
      }
      return {
        status: 'terminated',
        reason: outcome.reason,
        error: `The agent was ended by the daemon (${outcome.reason}).`,
      };
    case 'spawn_failed':
      // The task is not to blame when this machine can't start the agent.
      return {
        status: 'failed',
        failureClass: 'infrastructure',
        code: 'SPAWN_FAILED',
        error: outcome.message,
      };
  }
}

function judgeSuccess(ending: AgentEnding): AgentVerdict {
  if (ending.blocked !== undefined) return { status: 'blocked', ...ending.blocked };
  return { status: 'completed', output: chooseOutput(ending) };
}

function chooseOutput(ending: AgentEnding): JsonValue {
  if (ending.output !== undefined) return ending.output;
  if (ending.fileOutput !== undefined) return ending.fileOutput;
  const tail = keepLastBytes(ending.plainOutput.text, OUTPUT_TAIL_BYTES).trimEnd();
  return tail === '' ? null : tail;
}

function explainExitCode(code: number): string {
  if (code === 137) return `The agent exited with code 137 (killed by SIGKILL, ${OUT_OF_MEMORY_HINT}).`;
  if (code === 127) return 'The agent exited with code 127 (a command in its script was not found).';
  if (code === 126) return 'The agent exited with code 126 (a command in its script is not executable).';
  if (code > 128 && code < 160) {
    return `The agent exited with code ${code} (something in it was ended by signal ${code - 128}).`;
  }
  return `The agent exited with code ${code}.`;
}

function quoteLastWords({ outcome, plainOutput }: AgentEnding): string {
  const source = outcome.stderr.text.trim() === '' ? plainOutput.text : outcome.stderr.text;
  const tail = keepLastBytes(source.trimEnd(), ERROR_TAIL_BYTES).trimStart();
  return tail === '' ? '' : `\n${tail}`;
}

function formatDuration(ms: number): string {
  if (ms < 1_000) return `${ms} ms`;
  return ms < 120_000 ? `${ms / 1_000} s` : `${Math.round(ms / 6_000) / 10} min`;
}

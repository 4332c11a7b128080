import { keepLastBytes } from '../process/boundedText.js';
import type { AgentEnding, AgentFault, AgentVerdict } from './agentAdapter.js';
import { judgeEnding } from './judgeEnding.js';

const LAST_WORDS_BYTES = 2_000;

/**
 * The verdict for agents that let a model work. As `judgeEnding`, but: a failure with a known fault is that fault's, so
 * that a provider that is down burns no task; so is an exit 0 that brought nothing but a fault. An agent that told no fault
 * may have said it in its last words. Any other failure is the agent's own. Pure.
 * @param sortWords what a provider refused with, in words; null where it is nothing that we know.
 */
export function judgeModelAgent(
  ending: AgentEnding,
  sortWords: (message: string) => AgentFault | null,
): AgentVerdict {
  const verdict = judgeEnding(ending);
  const { outcome } = ending;
  if (verdict.status === 'completed') {
    const broughtNothing = ending.output === undefined && ending.fileOutput === undefined;
    return broughtNothing && ending.fault !== undefined ? describeFailure(ending.fault, ending) : verdict;
  }
  // One that never started, or was ended by the system, is no provider's fault.
  if (verdict.status !== 'failed' || outcome.kind !== 'exited' || outcome.code === 137) return own(verdict);
  const fault = ending.fault ?? sortWords(readLastWords(ending));
  return fault === null ? own(verdict) : describeFailure(fault, ending);
}

function describeFailure(fault: AgentFault, { outcome }: AgentEnding): AgentVerdict {
  return {
    status: 'failed',
    failureClass: fault.failureClass,
    code: fault.code,
    error: fault.message,
    ...(outcome.kind === 'exited' ? { exitCode: outcome.code } : {}),
    ...(fault.resetAt === undefined ? {} : { resetAt: fault.resetAt }),
  };
}

/** No task is to blame for how an agent ends. */
function own(verdict: AgentVerdict): AgentVerdict {
  return verdict.status === 'failed' && verdict.failureClass === 'task'
    ? { ...verdict, failureClass: 'agent' }
    : verdict;
}

function readLastWords({ outcome, plainOutput }: AgentEnding): string {
  return keepLastBytes(`${plainOutput.text}\n${outcome.stderr.text}`.trimEnd(), LAST_WORDS_BYTES);
}

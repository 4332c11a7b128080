import type { AgentEnding, AgentVerdict } from './agentAdapter.js';
import { judgeEnding } from './judgeEnding.js';

/**
 * The verdict for agents that let a model work. As `judgeEnding`, but: a failure with a known fault is that fault's, so
 * that a provider that is down burns no task; so is an exit 0 that brought nothing but a fault. Any other failure is the
 * agent's own. Pure.
 */
export function judgeModelAgent(ending: AgentEnding): AgentVerdict {
  const verdict = judgeEnding(ending);
  const { fault, outcome } = ending;
  const broughtNothing =
    verdict.status === 'completed' && ending.output === undefined && ending.fileOutput === undefined;
  if (fault !== undefined && (verdict.status === 'failed' || broughtNothing)) {
    // A machine that can't start it, or ended it for want of memory, is no provider's fault.
    if (outcome.kind === 'spawn_failed') return verdict;
    return {
      status: 'failed',
      failureClass: fault.failureClass,
      code: fault.code,
      error: fault.message,
      ...(outcome.kind === 'exited' ? { exitCode: outcome.code } : {}),
      ...(fault.resetAt === undefined ? {} : { resetAt: fault.resetAt }),
    };
  }
  if (verdict.status === 'failed' && verdict.failureClass === 'task') {
    return { ...verdict, failureClass: 'agent' };
  }
  return verdict;
}

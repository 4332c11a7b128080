import type { AgentAdapter } from '../agents/agentAdapter.js';
import { AgentError } from '../agents/agentError.js';
import { type AgentRun, type AgentRunCallbacks, runAgent } from '../agents/runAgent.js';
import type { HealthOptions } from '../process/watchHealth.js';
import type { ExecutionRequest } from './executionRequest.js';

/** What is the daemon's, and not the attempt's. */
export interface ExecutionSurroundings extends AgentRunCallbacks {
  /** See `describeDaemonLife`. */
  readonly daemonMarker: string;
  /** Never handed on, in whatever form. */
  readonly secrets: readonly string[];
  /** Further variables of its process: how it reaches the daemon. */
  readonly environment?: Readonly<Record<string, string>>;
  /** It has taken most of its time. */
  readonly onSlow?: (runningMs: number) => void;
  readonly onStalled?: HealthOptions['onStalled'];
  /** It could not be looked at. */
  readonly onProblem?: HealthOptions['onProblem'];
}

/**
 * Runs a request as it is: the only way by which this daemon starts an agent. Throws what `adapter.start` throws, before
 * anything was started.
 */
export function runExecution(
  adapter: AgentAdapter,
  request: ExecutionRequest,
  surroundings: ExecutionSurroundings,
): Promise<AgentRun> {
  if (adapter.name !== request.agent) {
    throw new AgentError(
      'AGENT_NOT_CONFIGURED',
      `The request is for ${request.agent}, and ${adapter.name} was to run it.`,
    );
  }
  const { timeoutMs, softTimeoutMs, stalledAfterMs, graceMs } = request.limits;
  const { daemonMarker, secrets, environment, onSlow, onStalled, onProblem, ...callbacks } = surroundings;
  return runAgent(
    adapter,
    request,
    {
      timeoutMs,
      graceMs,
      daemonMarker,
      secrets,
      ...(environment === undefined ? {} : { environment }),
      health: {
        stalledAfterMs,
        softTimeoutMs,
        ...(onSlow === undefined ? {} : { onSoftTimeout: onSlow }),
        ...(onStalled === undefined ? {} : { onStalled }),
        ...(onProblem === undefined ? {} : { onProblem }),
      },
    },
    callbacks,
  );
}

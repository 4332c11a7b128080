import { decideRoute } from './decideRoute.js';
import type { RoutedTask } from './matchRule.js';
import { DEFAULT_ROUTER_CONFIG, type RouterConfig } from './routerConfig.js';

export interface AgentAvailability {
  readonly name: string;
  readonly available: boolean;
  /** Why it isn't, in a few words: `not installed`, `not logged in`. */
  readonly reason?: string;
  /** Of one that is there and may not be used now: held by its breaker, or as many run as may. */
  readonly state?: 'held' | 'busy';
}

export interface AgentAssignment {
  /** Null: not one agent is available. */
  readonly primary: string | null;
  /** Next in line where the primary one can't be had; null when there is no other. */
  readonly secondary: string | null;
  /** How sure the choice is, from 0 to 1; see `decideRoute`. */
  readonly confidence: number;
  /** A sentence for people. */
  readonly justification: string;
  /** Name of the rule that gave the primary agent; null for the defaults. */
  readonly rule: string | null;
}

/** Who would do a task, as far as it can be said without knowing whose turn it is and how agents did before. Pure. */
export function assignAgents(
  task: RoutedTask,
  agents: readonly AgentAvailability[],
  configuration: RouterConfig = DEFAULT_ROUTER_CONFIG,
): AgentAssignment {
  const { agent, next, confidence, reason, rule } = decideRoute({ task, agents, configuration });
  return { primary: agent, secondary: next, confidence, justification: reason, rule };
}

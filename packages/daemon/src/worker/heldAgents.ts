import type { HeldAgent } from '@neolith/contracts';

/** What the server says of agents whose breaker isn't closed, and what follows for the next claims. */
export interface HeldAgents {
  /** What came with the last claim. */
  readonly update: (agents: readonly HeldAgent[]) => void;
  /** Whether a permit is needed first. */
  readonly needsPermit: (agent: string, provider: string) => boolean;
  /** One of our own attempts failed by it: what the last claim said of it is old. */
  readonly failed: (agent: string, provider: string) => void;
  /** A task of this orchestrator was given back, for no agent may do it now. */
  readonly gaveBack: (orchestratorId: string) => void;
  /** One found its agent. */
  readonly found: (orchestratorId: string) => void;
}

const PAUSE_MS = 1_000;
const PAUSE_MS_MAX = 15_000;
/** Longer than a claim's answer about held agents may be old. */
const SUSPECTED_MS = 15_000;

/**
 * Without the pauses a daemon whose agents are all held would walk through the whole backlog, claiming each task and giving
 * it back. They grow, and are over as soon as some task finds its agent.
 * @param pause asks an orchestrator for nothing for so long
 */
export function createHeldAgents(pause: (orchestratorId: string, ms: number) => void): HeldAgents {
  let held: readonly HeldAgent[] = [];
  const pauses = new Map<string, number>();
  const suspectedUntilMs = new Map<string, number>();
  return {
    update(agents) {
      held = agents;
    },
    needsPermit: (agent, provider) =>
      (suspectedUntilMs.get(`${agent} ${provider}`) ?? 0) > performance.now() ||
      held.some((one) => one.agent === agent && one.provider === provider),
    failed(agent, provider) {
      suspectedUntilMs.set(`${agent} ${provider}`, performance.now() + SUSPECTED_MS);
    },
    gaveBack(orchestratorId) {
      const ms = Math.min((pauses.get(orchestratorId) ?? PAUSE_MS / 2) * 2, PAUSE_MS_MAX);
      pauses.set(orchestratorId, ms);
      pause(orchestratorId, ms);
    },
    found(orchestratorId) {
      pauses.delete(orchestratorId);
    },
  };
}

import type { ClaimWithContext } from '@neolith/contracts';
import type { AgentAdapter } from '../agents/agentAdapter.js';

export interface ChosenAgent {
  readonly adapter: AgentAdapter;
  /** Absent: the agent's own default. */
  readonly model?: string;
  /** Of its program, as far as it is known. */
  readonly version?: string;
  /** A sentence that can be read. */
  readonly reason: string;
}

/** Agents that may not be used for now, by name, each with the reason in a few words. */
export type HeldReasons = ReadonlyMap<string, string>;

/** Says for each task which agent does it. */
export interface AgentChooser {
  /** What claims are made under, before the task is known: the agent, or a word for several. */
  readonly name: string;
  /**
   * Leaves out those that are held; null where they are all that could do it. Throws `AgentError` where none can, held or not.
   */
  choose(claim: ClaimWithContext, held?: HeldReasons): Promise<ChosenAgent | null>;
}

/** The same for every task. */
export function alwaysChoose(adapter: AgentAdapter): AgentChooser {
  return {
    name: adapter.name,
    choose: async (_claim, held) =>
      held?.has(adapter.name) === true ? null : { adapter, reason: `Every task is done by ${adapter.name}.` },
  };
}

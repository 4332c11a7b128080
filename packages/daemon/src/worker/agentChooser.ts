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

/** Says for each task which agent does it. */
export interface AgentChooser {
  /** What claims are made under, before the task is known: the agent, or a word for several. */
  readonly name: string;
  /** Throws `AgentError` where none can do it. */
  choose(claim: ClaimWithContext): Promise<ChosenAgent>;
}

/** The same for every task. */
export function alwaysChoose(adapter: AgentAdapter): AgentChooser {
  return {
    name: adapter.name,
    choose: async () => ({ adapter, reason: `Every task is done by ${adapter.name}.` }),
  };
}

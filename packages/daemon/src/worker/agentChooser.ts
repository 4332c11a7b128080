import type { ClaimWithContext } from '@neolith/contracts';
import type { AgentAdapter } from '../agents/agentAdapter.js';
import type { TaskClassification } from '../routing/classifyTask.js';
import type { RouteDecision } from '../routing/decideRoute.js';

/** What a choice was made from. */
export interface ChoiceGround {
  readonly decision: RouteDecision;
  readonly classification: TaskClassification;
}

export interface ChosenAgent {
  readonly adapter: AgentAdapter;
  /** Absent: the agent's own default. */
  readonly model?: string;
  /** Of its program, as far as it is known. */
  readonly version?: string;
  /** A sentence that can be read. */
  readonly reason: string;
  /** Absent: there was nothing to decide. */
  readonly ground?: ChoiceGround;
  /** To be called when the agent has ended, or was not used after all. Absent: nothing was taken. */
  readonly release?: () => void;
}

/** Everybody who could do the task is held, or can't be started here now. */
export interface NobodyChosen {
  readonly adapter: null;
  /** Who can't be started here, each with the reason. Absent: nobody. */
  readonly absent?: HeldReasons;
  /** Absent: there was nothing to decide. */
  readonly ground?: ChoiceGround;
}

/** Agents that may not be used for now, by name, each with the reason in a few words. */
export type HeldReasons = ReadonlyMap<string, string>;

/** Says for each task which agent does it. */
export interface AgentChooser {
  /** What claims are made under, before the task is known: the agent, or a word for several. */
  readonly name: string;
  /**
   * Leaves out those that are held, and waits where all that could do it have as many tasks as they may have at once.
   * Throws `AgentError` where nobody is named for it at all, and the signal's reason.
   */
  choose(
    claim: ClaimWithContext,
    held?: HeldReasons,
    signal?: AbortSignal,
  ): Promise<ChosenAgent | NobodyChosen>;
}

/** The same for every task. */
export function alwaysChoose(adapter: AgentAdapter): AgentChooser {
  return {
    name: adapter.name,
    choose: async (_claim, held) =>
      held?.has(adapter.name) === true
        ? { adapter: null }
        : { adapter, reason: `Every task is done by ${adapter.name}.` },
  };
}

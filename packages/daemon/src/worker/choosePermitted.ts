import type { ClaimWithContext, NeolithClient, Permit, Route } from '@neolith/contracts';
import { providerOf } from '../agents/providerOf.js';
import type { AgentChooser, ChoiceGround, ChosenAgent, HeldReasons } from './agentChooser.js';
import type { AttemptOutcome } from './describeOutcome.js';
import { describeRoute } from './describeRoute.js';
import type { HeldAgents } from './heldAgents.js';

export interface PermitDependencies {
  readonly client: Pick<NeolithClient, 'requestPermit'>;
  readonly agents: AgentChooser;
  readonly heldAgents: HeldAgents;
  /** Makes a call again while the server is away. */
  readonly repeat: <T>(call: () => Promise<T>) => Promise<T>;
  /** Aborted when the attempt is to end: then nobody waits for an agent any more. */
  readonly ending?: AbortSignal;
}

export type PermittedChoice =
  | {
      readonly kind: 'chosen';
      readonly chosen: ChosenAgent;
      readonly provider: string;
      /** What there is to be told of the choice; null: nothing, for there was nothing to choose. */
      readonly route: Route | null;
      /** Its attempt shows whether the agent works again. */
      readonly probe: boolean;
    }
  /** Nobody may do it now: the task is given back until somebody may. */
  | {
      readonly kind: 'held';
      readonly outcome: Extract<AttemptOutcome, { kind: 'release' }>;
      readonly route: Route | null;
    };

/**
 * The agent of a task among those that may be used: the most wanted one whose breaker is closed, or which gets a permit.
 * The server is asked only for agents that it has said are held. Throws `AgentError` where nobody is named for the task.
 */
export async function choosePermitted(
  deps: PermitDependencies,
  claim: ClaimWithContext,
): Promise<PermittedChoice> {
  const attemptId = claim.attempt.id;
  const orchestratorId = claim.attempt.orchestratorId;
  const held = new Map<string, string>();
  const heldBy: { agent: string; provider: string }[] = [];
  let retryAt: Date | null = null;
  let ground: ChoiceGround | undefined;
  let absent: HeldReasons = new Map();
  for (;;) {
    const chosen = await deps.agents.choose(claim, held, deps.ending);
    ground = chosen.ground;
    // A chooser that doesn't heed what is held must not make us ask for ever.
    if (chosen.adapter === null || held.has(chosen.adapter.name)) {
      if (chosen.adapter !== null) chosen.release?.();
      else absent = chosen.absent ?? absent;
      break;
    }
    const agent = chosen.adapter.name;
    const provider = providerOf(agent, chosen.model);
    const permit = await askPermit(deps, chosen, { attemptId, agent, provider });
    if (permit === null || permit.granted) {
      deps.heldAgents.found(orchestratorId);
      const route = describeRoute(ground, { agent, provider, model: chosen.model ?? null });
      return { kind: 'chosen', chosen, provider, route, probe: permit?.probe === true };
    }
    chosen.release?.();
    const state = permit.status === 'half_open' ? 'being tried again' : 'held back';
    held.set(agent, permit.reason === null ? state : `${state}: ${permit.reason}`);
    heldBy.push({ agent, provider });
    if (permit.retryAt !== null && (retryAt === null || permit.retryAt < retryAt)) retryAt = permit.retryAt;
  }
  deps.heldAgents.gaveBack(orchestratorId);
  const reasons = [...(held.size > 0 ? held : absent)]
    .map(([agent, reason]) => `${agent} (${reason})`)
    .join(', ');
  // Else the same task would be the next one claimed, and nothing behind it be done. By the database's clock.
  if (held.size === 0) retryAt = new Date(claim.attempt.claimedAt.getTime() + absentMs(claim.attempt.number));
  return {
    kind: 'held',
    route: describeRoute(ground, { agent: null, provider: null, model: null }),
    outcome: {
      kind: 'release',
      held: {
        reason: shorten(`No agent may do it now: ${reasons}`),
        heldBy: heldBy.slice(0, HELD_BY_MAX),
        ...(retryAt === null ? {} : { availableAt: retryAt.toISOString() }),
      },
    },
  };
}

async function askPermit(
  deps: PermitDependencies,
  chosen: ChosenAgent,
  body: { readonly attemptId: string; readonly agent: string; readonly provider: string },
): Promise<Permit | null> {
  if (!deps.heldAgents.needsPermit(body.agent, body.provider)) return null;
  try {
    return await deps.repeat(() => deps.client.requestPermit({ body }));
  } catch (error) {
    chosen.release?.();
    throw error;
  }
}

const ABSENT_MS = 60_000;
const ABSENT_MS_MAX = 3_600_000;

/** For so long a task is left to others that no agent of this machine can do: a minute, and twice as long with each attempt. */
function absentMs(attempts: number): number {
  return Math.min(ABSENT_MS_MAX, ABSENT_MS * 2 ** (attempts - 1));
}

/** The server's limits. */
const REASON_CHARS_MAX = 2_000;
const HELD_BY_MAX = 50;

function shorten(reason: string): string {
  const kept = reason.slice(0, REASON_CHARS_MAX);
  return kept.isWellFormed() ? kept : kept.slice(0, -1);
}

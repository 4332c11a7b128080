import type { AgentFigure, ClaimWithContext } from '@neolith/contracts';
import type { AgentAdapter } from '../agents/agentAdapter.js';
import { AgentError } from '../agents/agentError.js';
import { type AgentSlots, createAgentSlots } from '../routing/agentSlots.js';
import {
  type AgentAssignment,
  type AgentAvailability,
  classifyTask,
  decideRoute,
  type FiguresSource,
  type RouteDecision,
  type RoutedTask,
  type RouterConfig,
  type RouterConfigSource,
  type TaskClassification,
  type TaskText,
} from '../routing/index.js';
import { usesFigures } from '../routing/routerConfig.js';
import type { AgentChooser, HeldReasons } from '../worker/agentChooser.js';

export interface RoutingOptions {
  /** Those that may be chosen, by name. */
  readonly adapters: ReadonlyMap<string, AgentAdapter>;
  /** As it is, or as it is at each choice. */
  readonly config: RouterConfig | RouterConfigSource;
  /** Whether somebody named them, in the order wanted: then these are the defaults, and no others. */
  readonly named: boolean;
  /** Of the repository; null: there is none. */
  readonly project: { readonly technologies: readonly string[] } | null;
  /** For agents that can choose one. */
  readonly model?: string;
  /** For `auto`. Default: nothing is known, until `useFigures` says where to ask. */
  readonly figures?: FiguresSource;
  /** In [0, 1). Default Math.random. */
  readonly random?: () => number;
}

export interface RoutedChoice {
  readonly classification: TaskClassification;
  readonly assignment: AgentAssignment;
  readonly decision: RouteDecision;
}

export interface RoutingChooser extends AgentChooser {
  /** Who would do a task, as things stand; starts nothing, and is nobody's turn. */
  route(
    task: TaskText & Pick<RoutedTask, 'tags' | 'priority'>,
    capabilities?: readonly string[],
    held?: HeldReasons,
  ): RoutedChoice;
  /** From now on `auto` asks there. */
  useFigures(figures: FiguresSource): void;
  /** One of those that may be chosen. */
  adapter(name: string): AgentAdapter | null;
}

const NO_FIGURES: readonly AgentFigure[] = [];
const NOBODY: ReadonlySet<string> = new Set();
const LOOK_AGAIN_MS = 5_000;

/**
 * Looks once at which of the agents can be started here, and then chooses by the routing configuration; one that is gone by
 * the time it is chosen is passed over until it is back. Whose turn it is
 * and how often an agent was picked lives as long as the chooser; a turn begins at a random agent, so that daemons that
 * start often, or many that start at once, don't all begin with the same.
 */
export async function routeAgents(options: RoutingOptions): Promise<RoutingChooser> {
  const { adapters, named, project, model } = options;
  const random = options.random ?? Math.random;
  const source = toSource(options.config);
  let figures = options.figures ?? null;
  const versions = new Map<string, string>();
  const availability = await Promise.all(
    [...adapters.values()].map(async (adapter): Promise<AgentAvailability> => {
      const { found, remedy, version } = await adapter.detect();
      if (version !== undefined) versions.set(adapter.name, version);
      return { name: adapter.name, available: found, ...(found ? {} : { reason: remedy ?? 'not found' }) };
    }),
  );
  const names = [...adapters.keys()];
  /** Those that were there at the look, and are not any more, each with what is missing. */
  const gone = new Map<string, string>();

  /** Asked of the few that are gone, and of the one that is chosen: it costs some looks at files. */
  async function look(agent: string): Promise<boolean> {
    const missing = (await adapters.get(agent)?.findMissing?.()) ?? null;
    if (missing === null) gone.delete(agent);
    else gone.set(agent, missing);
    return missing === null;
  }

  const slots = createAgentSlots();
  const turns = new Map<string, string>();
  const picks = new Map<string, number>();

  function decide(
    task: TaskText & Pick<RoutedTask, 'tags' | 'priority'>,
    capabilities: readonly string[],
    held: HeldReasons,
    config: RouterConfig,
    known: readonly AgentFigure[],
    failedBefore: ReadonlySet<string> = NOBODY,
  ): RoutedChoice {
    const classification = classifyTask(task, project);
    const { tags, priority } = task;
    const tool = typeof task.metadata?.tool === 'string' ? task.metadata.tool : null;
    const decision = decideRoute({
      task: { classification, tags, priority, capabilities, tool },
      agents: availability.map((one) => describeState(one, gone, held, slots, config)),
      configuration: named ? { ...config, defaultAgents: names } : config,
      figures: known,
      failedBefore,
      lastTurn: (group) => turns.get(group) ?? null,
      picked: (taskType, agent) => picks.get(`${taskType} ${agent}`) ?? 0,
      random,
    });
    return { classification, assignment: toAssignment(decision), decision };
  }

  /** Whom nobody has had a turn by, begins anywhere. */
  function beginTurns(config: RouterConfig): void {
    const groups = [
      ...config.rules.map((rule, index) => ({
        key: `${index}:${rule.name ?? `rule ${index + 1}`}`,
        agents: rule.agents,
      })),
      { key: 'defaults', agents: named ? names : (config.defaultAgents ?? names) },
    ];
    for (const { key, agents } of groups) {
      const last = agents[Math.floor(random() * agents.length)];
      if (!turns.has(key) && last !== undefined) turns.set(key, last);
    }
  }
  beginTurns(source.latest());

  return {
    name: names.length === 1 ? (names[0] as string) : 'auto',
    route: (task, capabilities = [], held = new Map()) =>
      decide(task, capabilities, held, source.latest(), NO_FIGURES),
    useFigures(given) {
      figures = given;
    },
    adapter: (name) => adapters.get(name) ?? null,
    async choose({ task, context }: ClaimWithContext, held = new Map(), signal) {
      for (const agent of [...gone.keys()]) await look(agent);
      for (;;) {
        const config = await source.current();
        const known = figures !== null && usesFigures(config) ? await figures.current() : NO_FIGURES;
        beginTurns(config);
        // From here to the place that is taken nothing is waited for: two tasks never take the same last one.
        const failed = failedByProvider(context.previousAttempts);
        const ground = decide(task, context.orchestrator.capabilities, held, config, known, failed);
        const { decision, classification } = ground;
        const adapter = decision.agent === null ? undefined : adapters.get(decision.agent);
        if (adapter !== undefined) {
          turns.set(decision.group, adapter.name);
          const pick = `${classification.type} ${adapter.name}`;
          picks.set(pick, (picks.get(pick) ?? 0) + 1);
          const release = slots.take(adapter.name);
          if (!(await look(adapter.name))) {
            release();
            picks.set(pick, (picks.get(pick) ?? 1) - 1);
            continue;
          }
          const version = versions.get(adapter.name);
          return {
            adapter,
            reason: decision.reason,
            ground: { decision, classification },
            release,
            ...(model === undefined ? {} : { model }),
            ...(version === undefined ? {} : { version }),
          };
        }
        if (signal !== undefined && decision.candidates.some(({ state }) => state === 'busy')) {
          // Not for ever: a changed configuration may let more of them run, or name others.
          await slots.untilFreed(signal, LOOK_AGAIN_MS);
          continue;
        }
        // Of a name that no agent has, no other daemon knows more.
        const absent = decision.candidates.filter(
          ({ agent, state }) => state === 'absent' && adapters.has(agent),
        );
        if (held.size > 0 || absent.length > 0) {
          return {
            adapter: null,
            ground: { decision, classification },
            absent: new Map(absent.map(({ agent, reason }) => [agent, reason])),
          };
        }
        throw new AgentError('AGENT_NOT_CONFIGURED', decision.reason);
      }
    },
  };
}

/** Each agent by its latest attempt of those that are known, which come newest first. */
function failedByProvider(attempts: ClaimWithContext['context']['previousAttempts']): ReadonlySet<string> {
  const latest = new Map<string, boolean>();
  for (const { agent, failureClass } of attempts)
    if (agent !== null && !latest.has(agent)) latest.set(agent, failureClass === 'provider');
  return new Set([...latest].filter(([, failed]) => failed).map(([agent]) => agent));
}

function toSource(config: RouterConfig | RouterConfigSource): RouterConfigSource {
  return 'current' in config ? config : { latest: () => config, current: () => Promise.resolve(config) };
}

function toAssignment({ agent, next, confidence, reason, rule }: RouteDecision): AgentAssignment {
  return { primary: agent, secondary: next, confidence, justification: reason, rule };
}

function describeState(
  one: AgentAvailability,
  gone: ReadonlyMap<string, string>,
  held: HeldReasons,
  slots: AgentSlots,
  { limits }: RouterConfig,
): AgentAvailability {
  if (!one.available) return one;
  const missing = gone.get(one.name);
  if (missing !== undefined) return { ...one, available: false, reason: missing };
  const reason = held.get(one.name);
  if (reason !== undefined) return { ...one, available: false, state: 'held', reason };
  const limit = limits?.[one.name];
  if (slots.isFree(one.name, limit)) return one;
  return { ...one, available: false, state: 'busy', reason: `${slots.running(one.name)} of ${limit} run` };
}

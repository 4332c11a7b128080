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

/**
 * Looks once at which of the agents can be started here, and then chooses by the routing configuration. Whose turn it is
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
  const slots = createAgentSlots();
  const turns = new Map<string, string>();
  const picks = new Map<string, number>();

  function decide(
    task: TaskText & Pick<RoutedTask, 'tags' | 'priority'>,
    capabilities: readonly string[],
    held: HeldReasons,
    config: RouterConfig,
    known: readonly AgentFigure[],
  ): RoutedChoice {
    const classification = classifyTask(task, project);
    const { tags, priority } = task;
    const tool = typeof task.metadata?.tool === 'string' ? task.metadata.tool : null;
    const decision = decideRoute({
      task: { classification, tags, priority, capabilities, tool },
      agents: availability.map((one) => describeState(one, held, slots, config)),
      configuration: named ? { ...config, defaultAgents: names } : config,
      figures: known,
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
      for (;;) {
        const config = await source.current();
        const known = figures !== null && usesFigures(config) ? await figures.current() : NO_FIGURES;
        beginTurns(config);
        // From here to the place that is taken nothing is waited for: two tasks never take the same last one.
        const ground = decide(task, context.orchestrator.capabilities, held, config, known);
        const { decision, classification } = ground;
        const adapter = decision.agent === null ? undefined : adapters.get(decision.agent);
        if (adapter !== undefined) {
          turns.set(decision.group, adapter.name);
          const pick = `${classification.type} ${adapter.name}`;
          picks.set(pick, (picks.get(pick) ?? 0) + 1);
          const version = versions.get(adapter.name);
          return {
            adapter,
            reason: decision.reason,
            ground: { decision, classification },
            release: slots.take(adapter.name),
            ...(model === undefined ? {} : { model }),
            ...(version === undefined ? {} : { version }),
          };
        }
        if (signal !== undefined && decision.candidates.some(({ state }) => state === 'busy')) {
          await slots.untilFreed(signal);
          continue;
        }
        if (held.size > 0) return { adapter: null, ground: { decision, classification } };
        throw new AgentError('AGENT_NOT_CONFIGURED', decision.reason);
      }
    },
  };
}

function toSource(config: RouterConfig | RouterConfigSource): RouterConfigSource {
  return 'current' in config ? config : { latest: () => config, current: () => Promise.resolve(config) };
}

function toAssignment({ agent, next, confidence, reason, rule }: RouteDecision): AgentAssignment {
  return { primary: agent, secondary: next, confidence, justification: reason, rule };
}

function describeState(
  one: AgentAvailability,
  held: HeldReasons,
  slots: AgentSlots,
  { limits }: RouterConfig,
): AgentAvailability {
  if (!one.available) return one;
  const reason = held.get(one.name);
  if (reason !== undefined) return { ...one, available: false, state: 'held', reason };
  const limit = limits?.[one.name];
  if (slots.isFree(one.name, limit)) return one;
  return { ...one, available: false, state: 'busy', reason: `${slots.running(one.name)} of ${limit} run` };
}

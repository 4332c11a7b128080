import type { ClaimWithContext } from '@neolith/contracts';
import type { AgentAdapter } from '../agents/agentAdapter.js';
import { AgentError } from '../agents/agentError.js';
import {
  type AgentAssignment,
  type AgentAvailability,
  assignAgents,
  classifyTask,
  type RoutedTask,
  type RouterConfig,
  type TaskClassification,
  type TaskText,
} from '../routing/index.js';
import type { AgentChooser, HeldReasons } from '../worker/agentChooser.js';

export interface RoutingOptions {
  /** Those that may be chosen, by name. */
  readonly adapters: ReadonlyMap<string, AgentAdapter>;
  readonly config: RouterConfig;
  /** Whether somebody named them, in the order wanted: then these are the defaults, and no others. */
  readonly named: boolean;
  /** Of the repository; null: there is none. */
  readonly project: { readonly technologies: readonly string[] } | null;
  /** For agents that can choose one. */
  readonly model?: string;
}

export interface RoutedChoice {
  readonly classification: TaskClassification;
  readonly assignment: AgentAssignment;
}

export interface RoutingChooser extends AgentChooser {
  /** Who would do a task; starts nothing. */
  route(
    task: TaskText & Pick<RoutedTask, 'tags' | 'priority'>,
    capabilities?: readonly string[],
    held?: HeldReasons,
  ): RoutedChoice;
}

/** Looks once at which of the agents can be started here, and then chooses by the routing configuration. */
export async function routeAgents(options: RoutingOptions): Promise<RoutingChooser> {
  const { adapters, config, named, project, model } = options;
  const versions = new Map<string, string>();
  const availability = await Promise.all(
    [...adapters.values()].map(async (adapter): Promise<AgentAvailability> => {
      const { found, remedy, version } = await adapter.detect();
      if (version !== undefined) versions.set(adapter.name, version);
      return { name: adapter.name, available: found, ...(found ? {} : { reason: remedy ?? 'not found' }) };
    }),
  );
  const names = [...adapters.keys()];

  const route: RoutingChooser['route'] = (task, capabilities = [], held = new Map()) => {
    const classification = classifyTask(task, project);
    const { tags, priority } = task;
    const tool = typeof task.metadata?.tool === 'string' ? task.metadata.tool : null;
    const assignment = assignAgents(
      { classification, tags, priority, capabilities, tool },
      availability.map((one) => {
        const reason = held.get(one.name);
        return reason === undefined || !one.available ? one : { ...one, available: false, reason };
      }),
      named ? { ...config, defaultAgents: names } : config,
    );
    return { classification, assignment };
  };

  return {
    name: names.length === 1 ? (names[0] as string) : 'auto',
    route,
    async choose({ task, context }: ClaimWithContext, held?: HeldReasons) {
      const { assignment } = route(task, context.orchestrator.capabilities, held);
      const adapter = assignment.primary === null ? undefined : adapters.get(assignment.primary);
      if (adapter === undefined && held !== undefined && held.size > 0) return null;
      if (adapter === undefined) throw new AgentError('AGENT_NOT_CONFIGURED', assignment.justification);
      const version = versions.get(adapter.name);
      return {
        adapter,
        reason: assignment.justification,
        ...(model === undefined ? {} : { model }),
        ...(version === undefined ? {} : { version }),
      };
    },
  };
}

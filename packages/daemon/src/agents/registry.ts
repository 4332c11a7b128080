import type { AgentAdapter } from './agentAdapter.js';
import { AgentError } from './agentError.js';
import { createShellAgent, type ShellAgentConfiguration, type ShellAgentDependencies } from './shell.js';

export interface AgentConfigurations {
  readonly shell?: ShellAgentConfiguration;
}

type AgentFactory = (
  dependencies: ShellAgentDependencies,
  configurations: AgentConfigurations,
) => AgentAdapter;

/** One line per agent. */
const AGENTS = {
  shell: (dependencies, { shell }) => createShellAgent(dependencies, shell ?? {}),
} satisfies Record<string, AgentFactory>;

export type AgentName = keyof typeof AGENTS;

export const AGENT_NAMES = Object.keys(AGENTS) as AgentName[];

/** Makes the adapter called `name`. Throws `AgentError` `AGENT_UNKNOWN`, naming those there are. */
export function createAgent(
  name: string,
  dependencies: ShellAgentDependencies,
  configurations: AgentConfigurations,
): AgentAdapter {
  if (!Object.hasOwn(AGENTS, name)) {
    throw new AgentError(
      'AGENT_UNKNOWN',
      `There is no agent called ${JSON.stringify(name)}. Known agents: ${AGENT_NAMES.join(', ')}.`,
    );
  }
  return AGENTS[name as AgentName](dependencies, configurations);
}

import { dirname } from 'node:path';
import type { AgentAdapter } from '../agentAdapter.js';
import type { AgentDependencies } from '../agentDependencies.js';
import { createAgent } from '../registry.js';
import { listSecretValues } from '../secretVariables.js';
import type { ConfiguredAgents } from './agentsConfigSchema.js';

/** What the operator of a machine sets for its agents. */
export interface AgentsConfig {
  /** Where it was read from; null: there is no such file, and nothing is set. */
  readonly file: string | null;
  readonly agents: ConfiguredAgents;
  /** Values in it that are never handed on. */
  readonly secrets: readonly string[];
}

export const NO_AGENTS_CONFIG: AgentsConfig = { file: null, agents: {}, secrets: [] };

/** The values of variables whose names say that they are secret. Pure. */
export function listSecrets(agents: ConfiguredAgents): string[] {
  return Object.values(agents).flatMap(({ environment }) => listSecretValues(environment ?? {}));
}

/**
 * The adapter called `name`, as the operator has set it up. Relative paths of the file begin at its directory.
 * @param shellCommand takes the place of what the file says for the shell agent; relative to `baseDirectory`
 * @throws `AgentError` as `createAgent`
 */
export function createConfiguredAgent(
  name: string,
  config: AgentsConfig,
  dependencies: AgentDependencies,
  shellCommand?: string,
): AgentAdapter {
  const own = settingsOf(config.agents, name);
  const { environment = {}, ...settings } = own ?? {};
  const named = Object.keys(environment);
  const isOverridden = name === 'shell' && shellCommand !== undefined;
  return createAgent(
    name,
    {
      ...dependencies,
      hostEnvironment: { ...dependencies.hostEnvironment, ...environment },
      baseDirectory:
        config.file === null || own === null || isOverridden
          ? dependencies.baseDirectory
          : dirname(config.file),
    },
    {
      [name]: {
        ...settings,
        ...(named.length === 0 ? {} : { environmentNames: [...(settings.environmentNames ?? []), ...named] }),
        ...(isOverridden ? { command: shellCommand } : {}),
      },
    },
  );
}

/** As far as all of them are alike. */
interface Settings {
  readonly environment?: Readonly<Record<string, string>>;
  readonly environmentNames?: readonly string[];
}

function settingsOf(agents: ConfiguredAgents, name: string): Settings | null {
  return Object.hasOwn(agents, name) ? ((agents as Record<string, Settings>)[name] ?? null) : null;
}

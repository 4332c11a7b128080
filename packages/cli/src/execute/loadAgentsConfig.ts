import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { AGENTS_CONFIG_FILE, type AgentsConfig, readAgentsConfig } from '@neolith/daemon';

export interface AgentsConfigFlags {
  /** A file of the operator's; default `agents.config.json` of the home. */
  readonly agentsConfig?: string;
  readonly repoPath?: string;
  readonly workDirectory?: string;
}

/**
 * The operator's settings for agents: of the file that is named, else of `NEOLITH_HOME` or `~/.neolith`. Never of a
 * `.neolith` that lies around the directory we are in: it may have come with a repository.
 */
export function loadAgentsConfig(options: AgentsConfigFlags, env: NodeJS.ProcessEnv): Promise<AgentsConfig> {
  const home = env.NEOLITH_HOME ? resolve(env.NEOLITH_HOME) : join(env.HOME || homedir(), '.neolith');
  return readAgentsConfig({
    file: options.agentsConfig ?? join(home, AGENTS_CONFIG_FILE),
    isNamed: options.agentsConfig !== undefined,
    workDirectory: options.repoPath ?? options.workDirectory ?? '.',
  });
}

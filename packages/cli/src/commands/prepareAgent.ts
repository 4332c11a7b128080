import { type AgentAdapter, createAgent, createShellMerger, type Merger } from '@neolith/daemon';
import { CommandError } from '../output/commandError.js';

export interface AgentFlags {
  readonly agent: string;
  readonly shellCommand?: string;
  readonly mergeCommand?: string;
}

/** What does the tasks, and what merges them: null where nothing is to be merged. */
export interface Workers {
  readonly agent: AgentAdapter;
  readonly merger: Merger | null;
}

/**
 * The agent and the merge command of flags and environment.
 * @throws CommandError `AGENT_NOT_FOUND` where the agent can't be started here
 */
export async function prepareAgent(options: AgentFlags): Promise<Workers> {
  const surroundings = { hostEnvironment: process.env, baseDirectory: process.cwd() };
  const shellCommand = options.shellCommand ?? (process.env.NEOLITH_SHELL_COMMAND || undefined);
  const agent = createAgent(options.agent, surroundings, {
    shell: shellCommand === undefined ? {} : { command: shellCommand },
  });
  const detection = await agent.detect();
  if (!detection.found) {
    const remedy = detection.remedy ?? `The agent "${options.agent}" can't be started here.`;
    throw new CommandError(
      'usage',
      'AGENT_NOT_FOUND',
      `${remedy} Give it by --shell-command 'COMMAND' or NEOLITH_SHELL_COMMAND.`,
    );
  }
  const mergeCommand = options.mergeCommand ?? (process.env.NEOLITH_MERGE_COMMAND || undefined);
  return {
    agent,
    merger: mergeCommand === undefined ? null : createShellMerger(surroundings, { command: mergeCommand }),
  };
}

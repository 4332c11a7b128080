import type { AgentAdapter } from './agentAdapter.js';
import type { AgentDependencies } from './agentDependencies.js';
import { AgentError } from './agentError.js';
import type { AgentKind } from './agentKind.js';
import { aiderAgent } from './aider.js';
import { claudeAgent } from './claude.js';
import { clineAgent } from './cline.js';
import { codexAgent } from './codex.js';
import { copilotAgent } from './copilot.js';
import { cursorAgent } from './cursor.js';
import { geminiAgent } from './gemini.js';
import { opencodeAgent } from './opencode.js';
import { scriptAgent } from './script.js';
import { shellAgent } from './shell.js';
import { toolAgent } from './tool.js';
import { windsurfAgent } from './windsurf.js';

/** One line per agent. */
const AGENTS = {
  aider: aiderAgent,
  claude: claudeAgent,
  cline: clineAgent,
  codex: codexAgent,
  copilot: copilotAgent,
  cursor: cursorAgent,
  gemini: geminiAgent,
  opencode: opencodeAgent,
  script: scriptAgent,
  shell: shellAgent,
  tool: toolAgent,
  windsurf: windsurfAgent,
};

type Kinds = typeof AGENTS;

export type AgentName = keyof Kinds;

/** What the operator of a daemon sets, for each agent by its name. Nothing of it comes from a task. */
export type AgentConfigurations = {
  readonly [Name in AgentName]?: Kinds[Name] extends AgentKind<infer Configuration> ? Configuration : never;
};

export const AGENT_NAMES = Object.keys(AGENTS) as AgentName[];

/** Makes the adapter called `name`. Throws `AgentError` `AGENT_UNKNOWN`, naming those there are. */
export function createAgent(
  name: string,
  dependencies: AgentDependencies,
  configurations: AgentConfigurations,
): AgentAdapter {
  if (!Object.hasOwn(AGENTS, name)) {
    throw new AgentError(
      'AGENT_UNKNOWN',
      `There is no agent called ${JSON.stringify(name)}. Known agents: ${AGENT_NAMES.join(', ')}.`,
    );
  }
  const kind: AgentKind<object> = AGENTS[name as AgentName];
  return kind.create(dependencies, configurations[name as AgentName] ?? {});
}

/** What may be set for each agent. */
export const AGENT_SETTINGS = new Map(AGENT_NAMES.map((name) => [name, AGENTS[name].settings]));

import type { AgentAdapter } from './agentAdapter.js';
import type { AgentDependencies } from './agentDependencies.js';
import { AgentError } from './agentError.js';
import { type AiderAgentConfiguration, createAiderAgent } from './aider.js';
import { type ClaudeAgentConfiguration, createClaudeAgent } from './claude.js';
import { type ClineAgentConfiguration, createClineAgent } from './cline.js';
import { type CodexAgentConfiguration, createCodexAgent } from './codex.js';
import { type CopilotAgentConfiguration, createCopilotAgent } from './copilot.js';
import { type CursorAgentConfiguration, createCursorAgent } from './cursor.js';
import { createGeminiAgent, type GeminiAgentConfiguration } from './gemini.js';
import { createOpencodeAgent, type OpencodeAgentConfiguration } from './opencode.js';
import { createScriptAgent, type ScriptAgentConfiguration } from './script.js';
import { createShellAgent, type ShellAgentConfiguration } from './shell.js';
import { createToolAgent, type ToolAgentConfiguration } from './tool.js';
import { createWindsurfAgent, type WindsurfAgentConfiguration } from './windsurf.js';

/** What the operator of a daemon sets, for each agent by its name. Nothing of it comes from a task. */
export interface AgentConfigurations {
  readonly aider?: AiderAgentConfiguration;
  readonly claude?: ClaudeAgentConfiguration;
  readonly cline?: ClineAgentConfiguration;
  readonly codex?: CodexAgentConfiguration;
  readonly copilot?: CopilotAgentConfiguration;
  readonly cursor?: CursorAgentConfiguration;
  readonly gemini?: GeminiAgentConfiguration;
  readonly opencode?: OpencodeAgentConfiguration;
  readonly script?: ScriptAgentConfiguration;
  readonly shell?: ShellAgentConfiguration;
  readonly tool?: ToolAgentConfiguration;
  readonly windsurf?: WindsurfAgentConfiguration;
}

type AgentFactory = (dependencies: AgentDependencies, configurations: AgentConfigurations) => AgentAdapter;

/** One line per agent. */
const AGENTS = {
  aider: (dependencies, { aider }) => createAiderAgent(dependencies, aider ?? {}),
  claude: (dependencies, { claude }) => createClaudeAgent(dependencies, claude ?? {}),
  cline: (dependencies, { cline }) => createClineAgent(dependencies, cline ?? {}),
  codex: (dependencies, { codex }) => createCodexAgent(dependencies, codex ?? {}),
  copilot: (dependencies, { copilot }) => createCopilotAgent(dependencies, copilot ?? {}),
  cursor: (dependencies, { cursor }) => createCursorAgent(dependencies, cursor ?? {}),
  gemini: (dependencies, { gemini }) => createGeminiAgent(dependencies, gemini ?? {}),
  opencode: (dependencies, { opencode }) => createOpencodeAgent(dependencies, opencode ?? {}),
  script: (dependencies, { script }) => createScriptAgent(dependencies, script ?? {}),
  shell: (dependencies, { shell }) => createShellAgent(dependencies, shell ?? {}),
  tool: (dependencies, { tool }) => createToolAgent(dependencies, tool ?? {}),
  windsurf: (dependencies, { windsurf }) => createWindsurfAgent(dependencies, windsurf ?? {}),
} satisfies Record<string, AgentFactory>;

export type AgentName = keyof typeof AGENTS;

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
  return AGENTS[name as AgentName](dependencies, configurations);
}

import { z } from 'zod';
import type { AgentAdapter } from './agentAdapter.js';
import type { AgentDependencies } from './agentDependencies.js';
import type { AgentKind } from './agentKind.js';
import { CLAUDE_WORDS, createClaudeReader } from './claudeReader.js';
import {
  type CommandAgentConfiguration,
  type CommandAgentDescription,
  createCommandAgent,
} from './commandAgent.js';
import { commandAgentSettings, words } from './settings.js';

export interface ClaudeAgentConfiguration extends CommandAgentConfiguration {
  /** Tools that it may use without being asked; all others are refused. Default: those it edits and runs commands with. */
  readonly allowedTools?: readonly string[];
}

/** What it may use in its worktree. Asking is no use: nobody is there to answer. */
const ALLOWED_TOOLS = [
  'Bash',
  'Edit',
  'Glob',
  'Grep',
  'NotebookEdit',
  'Read',
  'Skill',
  'Task',
  'TodoWrite',
  'WebFetch',
  'WebSearch',
  'Write',
] as const;

/** They would lead it out of the worktree that the daemon looks at, or have it wait for a time after its end. */
const REFUSED_TOOLS = ['AskUserQuestion', 'CronCreate', 'EnterWorktree', 'ScheduleWakeup'] as const;

export const CLAUDE_CHECKED = {
  version: '2.1.197',
  npmPackage: '@anthropic-ai/claude-code',
  program: 'claude',
  helps: [
    {
      args: ['--help'],
      flags: [
        '--print',
        '--output-format',
        '--verbose',
        '--permission-mode',
        '--allowedTools',
        '--disallowedTools',
        '--no-session-persistence',
        '--model',
      ],
    },
  ],
} as const;

/** Claude Code, in print mode: the prompt by stdin, its events as lines of JSON. */
export function createClaudeAgent(
  dependencies: AgentDependencies,
  configuration: ClaudeAgentConfiguration,
): AgentAdapter {
  const tools = configuration.allowedTools ?? ALLOWED_TOOLS;
  return createCommandAgent(dependencies, configuration, {
    ...CLAUDE,
    arguments: ({ model }) => [
      '--print',
      '--output-format',
      'stream-json',
      // Without it print mode has no events, only their end.
      '--verbose',
      '--permission-mode',
      'acceptEdits',
      '--allowedTools',
      tools.join(','),
      '--disallowedTools',
      REFUSED_TOOLS.join(','),
      // Else each attempt would stand in the operator's own list of conversations.
      '--no-session-persistence',
      ...(model === undefined ? [] : ['--model', model]),
    ],
  });
}

const CLAUDE: Omit<CommandAgentDescription, 'arguments'> = {
  ...CLAUDE_WORDS,
  name: 'claude',
  program: 'claude',
  install:
    'Install it with "npm install -g @anthropic-ai/claude-code", or name its path as its command in agents.config.json.',
  checked: CLAUDE_CHECKED,
  credentials: {
    variables: [
      'ANTHROPIC_API_KEY',
      'ANTHROPIC_AUTH_TOKEN',
      'CLAUDE_CODE_OAUTH_TOKEN',
      'AWS_BEARER_TOKEN_BEDROCK',
    ],
    files: ['.claude/.credentials.json'],
  },
  variables: [
    'ANTHROPIC_BASE_URL',
    'ANTHROPIC_MODEL',
    'ANTHROPIC_SMALL_FAST_MODEL',
    'ANTHROPIC_DEFAULT_OPUS_MODEL',
    'ANTHROPIC_DEFAULT_SONNET_MODEL',
    'ANTHROPIC_DEFAULT_HAIKU_MODEL',
    'ANTHROPIC_CUSTOM_HEADERS',
    'ANTHROPIC_VERTEX_PROJECT_ID',
    'CLAUDE_CODE_USE_BEDROCK',
    'CLAUDE_CODE_USE_VERTEX',
    'CLAUDE_CODE_MAX_OUTPUT_TOKENS',
    'CLAUDE_CODE_MAX_RETRIES',
    'CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC',
    'CLAUDE_CONFIG_DIR',
    'CLOUD_ML_REGION',
    'AWS_REGION',
    'AWS_PROFILE',
    'API_TIMEOUT_MS',
    'MAX_THINKING_TOKENS',
  ],
  environment: {
    // A command that changes under the agents that run it is a fault nobody finds.
    DISABLE_AUTOUPDATER: '1',
  },
  promptBy: 'stdin',
  createLineReader: createClaudeReader,
};

export const claudeAgent: AgentKind<ClaudeAgentConfiguration> = {
  settings: z.strictObject({ ...commandAgentSettings, allowedTools: words.exactOptional() }),
  create: createClaudeAgent,
};

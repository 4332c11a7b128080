import { join } from 'node:path';
import { z } from 'zod';
import type { AgentAdapter, AgentUsage, JsonValue, LineReader, ParsedLine } from './agentAdapter.js';
import type { AgentDependencies } from './agentDependencies.js';
import type { AgentKind } from './agentKind.js';
import {
  type CommandAgentConfiguration,
  type CommandAgentDescription,
  createCommandAgent,
} from './commandAgent.js';
import { describeToolCall } from './describeToolCall.js';
import { countOf, fieldOf, isObject, numberOf, objectOf, textOf } from './jsonFields.js';
import { readJsonLines } from './jsonLines.js';
import type { JsonObject } from './parseJson.js';
import { describeFault } from './providerFault.js';
import { readWords, shortenMessage } from './readWords.js';
import { commandAgentSettings } from './settings.js';
import { addUsage, pickUsage } from './usageSum.js';

export type CopilotAgentConfiguration = CommandAgentConfiguration;

export const COPILOT_CHECKED = {
  version: '1.0.102',
  npmPackage: '@github/copilot',
  program: 'copilot',
  helps: [
    {
      args: ['--help'],
      flags: [
        '--output-format',
        '--stream',
        '--allow-all-tools',
        '--allow-all-paths',
        '--no-ask-user',
        '--no-auto-update',
        '--no-color',
        '--usage-output-file',
        '--model',
      ],
    },
  ],
} as const;

/** GitHub Copilot CLI, without a terminal: the prompt by stdin, its events as lines of JSON. */
export function createCopilotAgent(
  dependencies: AgentDependencies,
  configuration: CopilotAgentConfiguration,
): AgentAdapter {
  return createCommandAgent(dependencies, configuration, {
    ...COPILOT,
    arguments: (start) => [
      '--output-format',
      'json',
      '--stream',
      'off',
      '--allow-all-tools',
      // The repository that a worktree belongs to lies elsewhere, and so do the tools' own folders.
      '--allow-all-paths',
      '--no-ask-user',
      // A command that changes under the agents that run it is a fault nobody finds.
      '--no-auto-update',
      '--no-color',
      // Its events tell of few tokens.
      '--usage-output-file',
      join(start.attemptDirectory, USAGE_FILE),
      ...(start.model === undefined ? [] : ['--model', start.model]),
    ],
    usageFile: ({ attemptDirectory }) => ({
      path: join(attemptDirectory, USAGE_FILE),
      read: readUsageStatistics,
    }),
  });
}

const USAGE_FILE = 'usage.json';

const WORDS = {
  title: 'GitHub Copilot CLI',
  login: 'Set COPILOT_GITHUB_TOKEN for the daemon, or run "copilot login" once as the daemon\'s user.',
} as const;

const COPILOT: Omit<CommandAgentDescription, 'arguments'> = {
  ...WORDS,
  name: 'copilot',
  program: 'copilot',
  install:
    'Install it with "npm install -g @github/copilot", or name its path as its command in agents.config.json.',
  checked: COPILOT_CHECKED,
  credentials: {
    variables: [
      'COPILOT_GITHUB_TOKEN',
      'GH_TOKEN',
      'GITHUB_TOKEN',
      'COPILOT_PROVIDER_API_KEY',
      'COPILOT_PROVIDER_BEARER_TOKEN',
    ],
    files: ['.copilot/config.json'],
  },
  variables: [
    'COPILOT_HOME',
    'COPILOT_MODEL',
    'COPILOT_OFFLINE',
    'COPILOT_GH_HOST',
    'GH_HOST',
    'COPILOT_PROVIDER_BASE_URL',
    'COPILOT_PROVIDER_TYPE',
    'COPILOT_PROVIDER_WIRE_API',
    'COPILOT_PROVIDER_MODEL_ID',
    'COPILOT_PROVIDER_WIRE_MODEL',
    'COPILOT_PROVIDER_AZURE_API_VERSION',
    'COPILOT_PROVIDER_MAX_PROMPT_TOKENS',
    'COPILOT_PROVIDER_MAX_OUTPUT_TOKENS',
  ],
  promptBy: 'stdin',
  createLineReader: createCopilotReader,
};

/** Reads the lines of `--output-format json`. Of tokens it tells those of its answers, and not always. */
export function createCopilotReader(): LineReader {
  let sum: AgentUsage = {};
  let lastText = '';

  function readMessage(data: JsonObject): ParsedLine {
    const { signals, text, warning } = readWords(textOf(data, 'content'));
    // What a helper of its own says is not its result.
    if (text !== '' && textOf(data, 'parentToolCallId') === '') lastText = text;
    const more = pickUsage({
      outputTokens: countOf(data, 'outputTokens'),
      model: textOf(data, 'model') || undefined,
      turns: 1,
    });
    sum = addUsage(sum, more);
    return {
      signals: [...signals, { kind: 'usage', usage: sum }],
      log: text,
      ...(warning === undefined ? {} : { warning }),
    };
  }

  return readJsonLines((event) => {
    const data = objectOf(event, 'data');
    switch (textOf(event, 'type')) {
      case 'assistant.message':
        return readMessage(data);
      case 'assistant.usage':
        sum = addUsage(sum, {
          ...pickUsage({
            inputTokens: countOf(data, 'inputTokens'),
            cacheReadTokens: countOf(data, 'cacheReadTokens'),
            cacheWriteTokens: countOf(data, 'cacheWriteTokens'),
          }),
        });
        return { signals: [{ kind: 'usage', usage: sum }] };
      case 'tool.execution_start': {
        const call = describeToolCall(textOf(data, 'toolName'), objectOf(data, 'arguments'));
        return { signals: [{ kind: 'message', message: call }], log: `→ ${call}` };
      }
      case 'tool.execution_complete': {
        const error = textOf(objectOf(data, 'error'), 'message');
        return fieldOf(data, 'success') === false
          ? { signals: [], log: `✗ ${error.slice(0, 500)}` }
          : { signals: [] };
      }
      case 'session.info': {
        const message = textOf(data, 'message');
        return textOf(data, 'infoType') === 'model_retry'
          ? { signals: [{ kind: 'message', message: shortenMessage(message) }], log: message }
          : { signals: [] };
      }
      case 'session.error':
        return refuse(data);
      case 'result':
        return { signals: numberOf(event, 'exitCode') === 0 ? [{ kind: 'result', output: lastText }] : [] };
      default:
        return textOf(event, 'type') === '' ? null : { signals: [] };
    }
  });
}

function refuse(data: JsonObject): ParsedLine {
  const message = textOf(data, 'message');
  const refusal = { kind: textOf(data, 'errorType'), status: numberOf(data, 'statusCode'), message };
  return { signals: [{ kind: 'fault', fault: describeFault(WORDS, refusal) }], log: `✗ ${message}` };
}

/** Reads the file of `--usage-output-file`: sums over all models. Its input holds what a cache gave or took. */
function readUsageStatistics(content: JsonValue): AgentUsage {
  if (!isObject(content)) return {};
  let sum: AgentUsage = {};
  for (const [model, metrics] of Object.entries(objectOf(content, 'modelMetrics'))) {
    if (!isObject(metrics)) continue;
    const usage = objectOf(metrics, 'usage');
    const input = countOf(usage, 'inputTokens');
    const cacheReadTokens = countOf(usage, 'cacheReadTokens');
    const cacheWriteTokens = countOf(usage, 'cacheWriteTokens');
    const cached = (cacheReadTokens ?? 0) + (cacheWriteTokens ?? 0);
    sum = addUsage(
      sum,
      pickUsage({
        inputTokens: input === undefined ? undefined : Math.max(0, input - cached),
        outputTokens: countOf(usage, 'outputTokens'),
        cacheReadTokens,
        cacheWriteTokens,
        turns: countOf(objectOf(metrics, 'requests'), 'count'),
        model,
      }),
    );
  }
  return sum;
}

export const copilotAgent: AgentKind<CopilotAgentConfiguration> = {
  settings: z.strictObject(commandAgentSettings),
  create: createCopilotAgent,
};

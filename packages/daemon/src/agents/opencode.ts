import { z } from 'zod';
import type { AgentAdapter, AgentUsage, LineReader, ParsedLine } from './agentAdapter.js';
import type { AgentDependencies } from './agentDependencies.js';
import type { AgentKind } from './agentKind.js';
import {
  type CommandAgentConfiguration,
  type CommandAgentDescription,
  createCommandAgent,
} from './commandAgent.js';
import { describeToolCall } from './describeToolCall.js';
import { costOf, countOf, numberOf, objectOf, textOf } from './jsonFields.js';
import { readJsonLines } from './jsonLines.js';
import type { JsonObject } from './parseJson.js';
import { describeFault } from './providerFault.js';
import { readWords } from './readWords.js';
import { commandAgentSettings } from './settings.js';
import { addUsage, pickUsage } from './usageSum.js';

export type OpencodeAgentConfiguration = CommandAgentConfiguration;

export const OPENCODE_CHECKED = {
  version: '1.18.33',
  npmPackage: 'opencode-ai',
  program: 'opencode',
  helps: [{ args: ['run', '--help'], flags: ['--format', '--auto', '--model'] }],
} as const;

/** opencode, by `opencode run`: the prompt by stdin, its events as lines of JSON. */
export function createOpencodeAgent(
  dependencies: AgentDependencies,
  configuration: OpencodeAgentConfiguration,
): AgentAdapter {
  return createCommandAgent(dependencies, configuration, {
    ...OPENCODE,
    arguments: ({ model }) => [
      'run',
      '--format',
      'json',
      // What its own settings deny stays denied.
      '--auto',
      ...(model === undefined ? [] : ['--model', model]),
    ],
  });
}

const WORDS = {
  title: 'opencode',
  login:
    'Run "opencode auth login" once as the daemon\'s user, or set the key of its provider (ANTHROPIC_API_KEY, OPENAI_API_KEY…) for the daemon.',
} as const;

const OPENCODE: Omit<CommandAgentDescription, 'arguments'> = {
  ...WORDS,
  name: 'opencode',
  program: 'opencode',
  install:
    'Install it with "npm install -g opencode-ai", or name its path as its command in agents.config.json.',
  checked: OPENCODE_CHECKED,
  credentials: {
    variables: [
      'OPENCODE_API_KEY',
      'ANTHROPIC_API_KEY',
      'OPENAI_API_KEY',
      'GEMINI_API_KEY',
      'GOOGLE_GENERATIVE_AI_API_KEY',
      'OPENROUTER_API_KEY',
      'GROQ_API_KEY',
      'DEEPSEEK_API_KEY',
      'XAI_API_KEY',
      'MISTRAL_API_KEY',
    ],
    files: ['.local/share/opencode/auth.json'],
  },
  variables: [
    'OPENCODE_CONFIG',
    'OPENCODE_CONFIG_DIR',
    'OPENCODE_CONFIG_CONTENT',
    'OPENCODE_DISABLE_MODELS_FETCH',
  ],
  environment: {
    // A command that changes under the agents that run it is a fault nobody finds.
    OPENCODE_DISABLE_AUTOUPDATE: '1',
    // Several at once would lock each other out of the one file of its sessions, and fail; where it keeps its log-in is
    // another one.
    OPENCODE_DB: ':memory:',
  },
  promptBy: 'stdin',
  createLineReader: createOpencodeReader,
};

/** Reads the lines of `opencode run --format json`. */
export function createOpencodeReader(): LineReader {
  let sum: AgentUsage = {};
  let lastText = '';

  return readJsonLines((event) => {
    const part = objectOf(event, 'part');
    switch (textOf(event, 'type')) {
      case 'text': {
        const { signals, text, warning } = readWords(textOf(part, 'text'));
        if (text !== '') lastText = text;
        return { signals, log: text, ...(warning === undefined ? {} : { warning }) };
      }
      case 'tool_use':
        return readTool(part);
      case 'step_finish':
        sum = addUsage(sum, readStep(part));
        return {
          signals: [
            { kind: 'usage', usage: sum },
            // A result before its last step would have it ended while a command of it runs silently.
            ...(textOf(part, 'reason') === 'tool-calls'
              ? []
              : [{ kind: 'result', output: lastText } as const]),
          ],
        };
      case 'error':
        return readError(objectOf(event, 'error'));
      default:
        return textOf(event, 'type') === '' ? null : { signals: [] };
    }
  });
}

function readTool(part: JsonObject): ParsedLine {
  const state = objectOf(part, 'state');
  const call = describeToolCall(textOf(part, 'tool'), objectOf(state, 'input'));
  const error = textOf(state, 'error');
  return {
    signals: [{ kind: 'message', message: call }],
    log: error === '' ? `→ ${call}` : `✗ ${call}: ${error.slice(0, 500)}`,
  };
}

function readStep(part: JsonObject): AgentUsage {
  const tokens = objectOf(part, 'tokens');
  const cache = objectOf(tokens, 'cache');
  const output = countOf(tokens, 'output');
  const reasoning = countOf(tokens, 'reasoning');
  return pickUsage({
    inputTokens: countOf(tokens, 'input'),
    outputTokens: output === undefined ? reasoning : output + (reasoning ?? 0),
    cacheReadTokens: countOf(cache, 'read'),
    cacheWriteTokens: countOf(cache, 'write'),
    costUsd: costOf(part, 'cost'),
    turns: 1,
  });
}

function readError(error: JsonObject): ParsedLine {
  const data = objectOf(error, 'data');
  const name = textOf(error, 'name');
  const message = [textOf(data, 'message'), textOf(data, 'responseBody')].filter(Boolean).join(' ') || name;
  const fault = describeFault(WORDS, { kind: name, status: numberOf(data, 'statusCode'), message });
  return { signals: [{ kind: 'fault', fault }], log: `✗ ${message}` };
}

export const opencodeAgent: AgentKind<OpencodeAgentConfiguration> = {
  settings: z.strictObject(commandAgentSettings),
  create: createOpencodeAgent,
};

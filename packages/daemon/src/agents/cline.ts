import { z } from 'zod';
import type { AgentAdapter, AgentUsage, LineReader, ParsedLine } from './agentAdapter.js';
import type { AgentDependencies } from './agentDependencies.js';
import type { AgentKind } from './agentKind.js';
import {
  type CommandAgentConfiguration,
  type CommandAgentDescription,
  createCommandAgent,
  pointToPrompt,
} from './commandAgent.js';
import { describeToolCall } from './describeToolCall.js';
import { costOf, countOf, objectOf, textOf } from './jsonFields.js';
import { readJsonLines } from './jsonLines.js';
import type { JsonObject } from './parseJson.js';
import { describeFault } from './providerFault.js';
import { readWords } from './readWords.js';
import { commandAgentSettings } from './settings.js';
import { pickUsage } from './usageSum.js';

export type ClineAgentConfiguration = CommandAgentConfiguration;

export const CLINE_CHECKED = {
  version: '3.0.65',
  npmPackage: 'cline',
  program: 'cline',
  helps: [{ args: ['--help'], flags: ['--json', '--auto-approve', '--model'] }],
} as const;

/** Cline's command, for one prompt: its argument names the file with the prompt, its events are lines of JSON. */
export function createClineAgent(
  dependencies: AgentDependencies,
  configuration: ClineAgentConfiguration,
): AgentAdapter {
  return createCommandAgent(dependencies, configuration, {
    ...CLINE,
    arguments: ({ model, promptFile }) => [
      '--json',
      '--auto-approve',
      'true',
      ...(model === undefined ? [] : ['--model', model]),
      // Its input alone is no prompt to it.
      pointToPrompt(promptFile),
    ],
  });
}

const WORDS = {
  title: 'Cline',
  login: 'Run "cline auth" once as the daemon\'s user, or set the key of its provider for the daemon.',
} as const;

const CLINE: Omit<CommandAgentDescription, 'arguments'> = {
  ...WORDS,
  name: 'cline',
  program: 'cline',
  install: 'Install it with "npm install -g cline", or name its path as its command in agents.config.json.',
  checked: CLINE_CHECKED,
  credentials: {
    variables: [
      'CLINE_API_KEY',
      'ANTHROPIC_API_KEY',
      'OPENAI_API_KEY',
      'OPENROUTER_API_KEY',
      'AI_GATEWAY_API_KEY',
    ],
    files: ['.cline/data/settings/providers.json'],
  },
  variables: ['CLINE_DATA_DIR'],
  promptBy: 'file',
  createLineReader: createClineReader,
};

/** Reads the lines of `--json`. */
export function createClineReader(): LineReader {
  return readJsonLines((line) => {
    switch (textOf(line, 'type')) {
      case 'agent_event':
        return readEvent(objectOf(line, 'event'));
      case 'run_result':
        return readResult(line);
      case 'error':
        return refuse(textOf(line, 'message'));
      default:
        return textOf(line, 'type') === '' ? null : { signals: [] };
    }
  });
}

function readEvent(event: JsonObject): ParsedLine {
  const isTool = textOf(event, 'contentType') === 'tool';
  switch (textOf(event, 'type')) {
    case 'content_start': {
      if (!isTool) return { signals: [] };
      const call = describeToolCall(textOf(event, 'toolName'), objectOf(event, 'input'));
      return { signals: [{ kind: 'message', message: call }], log: `→ ${call}` };
    }
    case 'content_end': {
      const error = textOf(event, 'error');
      if (isTool) return { signals: [], ...(error === '' ? {} : { log: `✗ ${error.slice(0, 500)}` }) };
      const { signals, text, warning } = readWords(textOf(event, 'text'));
      return { signals, log: text, ...(warning === undefined ? {} : { warning }) };
    }
    case 'usage':
      return {
        signals: [
          {
            kind: 'usage',
            usage: pickUsage({
              inputTokens: countOf(event, 'totalInputTokens'),
              outputTokens: countOf(event, 'totalOutputTokens'),
              cacheReadTokens: countOf(event, 'totalCacheReadTokens'),
              cacheWriteTokens: countOf(event, 'totalCacheWriteTokens'),
              costUsd: costOf(event, 'totalCost'),
            }),
          },
        ],
      };
    case 'error': {
      const message = textOf(objectOf(event, 'error'), 'message') || textOf(event, 'error');
      return refuse(message, textOf(event, 'errorClass'));
    }
    case 'notice':
      return { signals: [], log: textOf(event, 'message') };
    default:
      return { signals: [] };
  }
}

function readResult(result: JsonObject): ParsedLine {
  const used = objectOf(result, 'usage');
  const usage: AgentUsage = pickUsage({
    inputTokens: countOf(used, 'inputTokens'),
    outputTokens: countOf(used, 'outputTokens'),
    cacheReadTokens: countOf(used, 'cacheReadTokens'),
    cacheWriteTokens: countOf(used, 'cacheWriteTokens'),
    costUsd: costOf(used, 'totalCost'),
    turns: countOf(result, 'iterations'),
    model: textOf(objectOf(result, 'model'), 'id') || textOf(result, 'model') || undefined,
  });
  const told = Object.keys(usage).length === 0 ? [] : [{ kind: 'usage', usage } as const];
  const text = textOf(result, 'text');
  if (textOf(result, 'finishReason') === 'completed') {
    return { signals: [...told, { kind: 'result', output: readWords(text).text }] };
  }
  const refused = refuse(text, textOf(result, 'finishReason'));
  return { ...refused, signals: [...told, ...refused.signals] };
}

function refuse(message: string, kind = ''): ParsedLine {
  const ownCode = /iteration|mistake/.test(kind) ? 'TURN_LIMIT' : 'AGENT_FAILED';
  const fault = describeFault(WORDS, { kind, message }, ownCode);
  return { signals: [{ kind: 'fault', fault }], log: `✗ ${message}` };
}

export const clineAgent: AgentKind<ClineAgentConfiguration> = {
  settings: z.strictObject(commandAgentSettings),
  create: createClineAgent,
};

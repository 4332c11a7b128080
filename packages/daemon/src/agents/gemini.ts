import { z } from 'zod';
import type { AgentAdapter, AgentSignal, AgentUsage, LineReader, ParsedLine } from './agentAdapter.js';
import type { AgentDependencies } from './agentDependencies.js';
import type { AgentKind } from './agentKind.js';
import {
  type CommandAgentConfiguration,
  type CommandAgentDescription,
  createCommandAgent,
} from './commandAgent.js';
import { describeToolCall } from './describeToolCall.js';
import { countOf, isObject, objectOf, textOf } from './jsonFields.js';
import { readJsonLines } from './jsonLines.js';
import type { JsonObject } from './parseJson.js';
import { describeFault } from './providerFault.js';
import { readWords } from './readWords.js';
import { commandAgentSettings } from './settings.js';
import { pickUsage } from './usageSum.js';

export type GeminiAgentConfiguration = CommandAgentConfiguration;

export const GEMINI_CHECKED = {
  version: '0.61.0',
  npmPackage: '@google/gemini-cli',
  program: 'gemini',
  helps: [{ args: ['--help'], flags: ['--output-format', '--approval-mode', '--skip-trust', '--model'] }],
} as const;

/** Gemini CLI, without a terminal: the prompt by stdin, its events as lines of JSON. */
export function createGeminiAgent(
  dependencies: AgentDependencies,
  configuration: GeminiAgentConfiguration,
): AgentAdapter {
  return createCommandAgent(dependencies, configuration, {
    ...GEMINI,
    arguments: ({ model }) => [
      '--output-format',
      'stream-json',
      '--approval-mode',
      'yolo',
      // A worktree is a new folder each time; in one that isn't trusted it would ask before each edit.
      '--skip-trust',
      ...(model === undefined ? [] : ['--model', model]),
    ],
  });
}

const WORDS = {
  title: 'Gemini CLI',
  login: 'Set GEMINI_API_KEY for the daemon, or start "gemini" once as the daemon\'s user and log in.',
} as const;

const GEMINI: Omit<CommandAgentDescription, 'arguments'> = {
  ...WORDS,
  name: 'gemini',
  program: 'gemini',
  install:
    'Install it with "npm install -g @google/gemini-cli", or name its path as its command in agents.config.json.',
  checked: GEMINI_CHECKED,
  credentials: {
    variables: ['GEMINI_API_KEY', 'GOOGLE_API_KEY'],
    files: ['.gemini/oauth_creds.json'],
  },
  variables: [
    'GOOGLE_GEMINI_BASE_URL',
    'GOOGLE_VERTEX_BASE_URL',
    'GEMINI_MODEL',
    'GEMINI_CLI_HOME',
    'GOOGLE_CLOUD_PROJECT',
    'GOOGLE_CLOUD_LOCATION',
    'GOOGLE_GENAI_USE_VERTEXAI',
    'GOOGLE_GENAI_USE_GCA',
    'GOOGLE_APPLICATION_CREDENTIALS',
  ],
  promptBy: 'stdin',
  createLineReader: createGeminiReader,
};

/** Reads the lines of `--output-format stream-json`. */
export function createGeminiReader(): LineReader {
  /** What it says comes in pieces; a tool, or the end, ends a message. */
  let piece = '';
  let lastText = '';
  let model: string | undefined;
  /** What it says after its last tool is its result; longer than this nobody reads. */
  const pieceLengthMax = 256 * 1024;

  function endMessage(): { signals: AgentSignal[]; log: string; warning?: string } {
    const said = piece;
    piece = '';
    if (said.trim() === '') return { signals: [], log: '' };
    const { signals, text, warning } = readWords(said);
    lastText = text;
    return { signals: [...signals], log: text, ...(warning === undefined ? {} : { warning }) };
  }

  function refuse(type: string, message: string): AgentSignal {
    const ownCode = /turn/i.test(type) ? 'TURN_LIMIT' : 'AGENT_FAILED';
    return { kind: 'fault', fault: describeFault(WORDS, { kind: type, message }, ownCode) };
  }

  function readResult(event: JsonObject): ParsedLine {
    const said = endMessage();
    const signals = [...said.signals];
    const usage = readTotals(objectOf(event, 'stats'), model);
    if (Object.keys(usage).length > 0) signals.push({ kind: 'usage', usage });
    if (textOf(event, 'status') === 'error') {
      const error = objectOf(event, 'error');
      signals.push(refuse(textOf(error, 'type'), textOf(error, 'message')));
      return { ...said, signals, log: [said.log, textOf(error, 'message')].filter(Boolean).join('\n') };
    }
    if (textOf(event, 'status') === 'success') signals.push({ kind: 'result', output: lastText });
    return { ...said, signals };
  }

  return readJsonLines((event) => {
    switch (textOf(event, 'type')) {
      case 'init':
        model = textOf(event, 'model') || undefined;
        return { signals: model === undefined ? [] : [{ kind: 'metadata', metadata: { model } }] };
      case 'message':
        if (textOf(event, 'role') === 'assistant' && piece.length < pieceLengthMax)
          piece += textOf(event, 'content');
        return { signals: [] };
      case 'tool_use': {
        const said = endMessage();
        const call = describeToolCall(textOf(event, 'tool_name'), objectOf(event, 'parameters'));
        return {
          ...said,
          signals: [...said.signals, { kind: 'message', message: call }],
          log: [said.log, `→ ${call}`].filter(Boolean).join('\n'),
        };
      }
      case 'tool_result': {
        const error = textOf(objectOf(event, 'error'), 'message');
        return { signals: [], ...(error === '' ? {} : { log: `✗ ${error.slice(0, 500)}` }) };
      }
      case 'error': {
        const message = textOf(event, 'message');
        return {
          signals: textOf(event, 'severity') === 'error' ? [refuse('', message)] : [],
          log: `✗ ${message}`,
        };
      }
      case 'result':
        return readResult(event);
      default:
        return readErrorObject(event);
    }
  });

  /** Before it streams, a failure is one object: `{"session_id": …, "error": {…}}`. */
  function readErrorObject(event: JsonObject): ParsedLine | null {
    const { error } = event;
    if (!isObject(error)) return textOf(event, 'type') === '' ? null : { signals: [] };
    const message = textOf(error, 'message');
    return { signals: [refuse(textOf(error, 'type'), message)], log: `✗ ${message}` };
  }
}

/** Its input holds what the cache gave. */
function readTotals(stats: JsonObject, model: string | undefined): AgentUsage {
  const input = countOf(stats, 'input_tokens');
  const cached = countOf(stats, 'cached');
  const usage = pickUsage({
    inputTokens: input === undefined ? undefined : Math.max(0, input - (cached ?? 0)),
    cacheReadTokens: cached,
    outputTokens: countOf(stats, 'output_tokens'),
  });
  return Object.keys(usage).length === 0 || model === undefined ? usage : { ...usage, model };
}

export const geminiAgent: AgentKind<GeminiAgentConfiguration> = {
  settings: z.strictObject(commandAgentSettings),
  create: createGeminiAgent,
};

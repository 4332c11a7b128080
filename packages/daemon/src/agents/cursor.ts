import { z } from 'zod';
import type { AgentAdapter, LineReader, ParsedLine } from './agentAdapter.js';
import type { AgentDependencies } from './agentDependencies.js';
import type { AgentKind } from './agentKind.js';
import {
  type CommandAgentConfiguration,
  type CommandAgentDescription,
  createCommandAgent,
  pointToPrompt,
} from './commandAgent.js';
import { describeToolCall } from './describeToolCall.js';
import { fieldOf, isObject, objectOf, objectsOf, textOf } from './jsonFields.js';
import { readJsonLines } from './jsonLines.js';
import type { JsonObject } from './parseJson.js';
import { describeFault } from './providerFault.js';
import { readWords } from './readWords.js';
import { commandAgentSettings } from './settings.js';

export type CursorAgentConfiguration = CommandAgentConfiguration;

/** By its documentation (cursor.com/docs/cli/reference, pages parameters and output-format, of 26 June 2026): never run by us. */
export const CURSOR_CHECKED = {
  version: 'documentation of 2026-06-26',
  npmPackage: null,
  program: 'cursor-agent',
  helps: [{ args: ['--help'], flags: ['--print', '--output-format', '--force', '--trust', '--model'] }],
} as const;

/** Cursor's command, in print mode: its argument names the file with the prompt, its events are lines of JSON. */
export function createCursorAgent(
  dependencies: AgentDependencies,
  configuration: CursorAgentConfiguration,
): AgentAdapter {
  return createCommandAgent(dependencies, configuration, {
    ...CURSOR,
    arguments: ({ model, promptFile }) => [
      '--print',
      '--output-format',
      'stream-json',
      // What its own settings deny stays denied.
      '--force',
      '--trust',
      ...(model === undefined ? [] : ['--model', model]),
      pointToPrompt(promptFile),
    ],
  });
}

const WORDS = {
  title: 'Cursor',
  login: 'Set CURSOR_API_KEY for the daemon, or run "cursor-agent login" once as the daemon\'s user.',
} as const;

const CURSOR: Omit<CommandAgentDescription, 'arguments'> = {
  ...WORDS,
  name: 'cursor',
  program: 'cursor-agent',
  install:
    'Install it as https://cursor.com/cli says, or name its path as its command in agents.config.json.',
  checked: CURSOR_CHECKED,
  credentials: { variables: ['CURSOR_API_KEY'], files: ['.config/cursor/auth.json'] },
  variables: ['CURSOR_CONFIG_DIR'],
  promptBy: 'file',
  createLineReader: createCursorReader,
};

/** Reads the lines of `--output-format stream-json`. What stops it is told on stderr, in words. */
export function createCursorReader(): LineReader {
  return readJsonLines((event) => {
    switch (textOf(event, 'type')) {
      case 'assistant': {
        const said = objectsOf(objectOf(event, 'message'), 'content')
          .map((block) => textOf(block, 'text'))
          .join('');
        const { signals, text, warning } = readWords(said);
        return { signals, log: text, ...(warning === undefined ? {} : { warning }) };
      }
      case 'tool_call':
        return textOf(event, 'subtype') === 'started'
          ? readToolCall(objectOf(event, 'tool_call'))
          : { signals: [] };
      case 'system': {
        const model = textOf(event, 'model');
        return { signals: model === '' ? [] : [{ kind: 'metadata', metadata: { model } }] };
      }
      case 'result':
        if (fieldOf(event, 'is_error') === true) {
          const message = textOf(event, 'result');
          return {
            signals: [{ kind: 'fault', fault: describeFault(WORDS, { message }) }],
            log: message,
          };
        }
        return { signals: [{ kind: 'result', output: readWords(textOf(event, 'result')).text }] };
      default:
        return textOf(event, 'type') === '' ? null : { signals: [] };
    }
  });
}

/** `{"readToolCall": {"args": {…}}}`: the tool is the key. */
function readToolCall(toolCall: JsonObject): ParsedLine {
  for (const [key, value] of Object.entries(toolCall)) {
    if (!isObject(value) || !key.endsWith('ToolCall')) continue;
    const call = describeToolCall(key.slice(0, -'ToolCall'.length), objectOf(value, 'args'));
    return { signals: [{ kind: 'message', message: call }], log: `→ ${call}` };
  }
  return { signals: [] };
}

export const cursorAgent: AgentKind<CursorAgentConfiguration> = {
  settings: z.strictObject(commandAgentSettings),
  create: createCursorAgent,
};

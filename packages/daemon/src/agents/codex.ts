import { z } from 'zod';
import type { AgentAdapter, AgentSignal, AgentUsage, LineReader, ParsedLine } from './agentAdapter.js';
import type { AgentDependencies } from './agentDependencies.js';
import type { AgentKind } from './agentKind.js';
import {
  type CommandAgentConfiguration,
  type CommandAgentDescription,
  createCommandAgent,
} from './commandAgent.js';
import { countOf, fieldOf, objectOf, objectsOf, textOf } from './jsonFields.js';
import { readJsonLines } from './jsonLines.js';
import type { JsonObject } from './parseJson.js';
import { describeFault } from './providerFault.js';
import { readWords, shortenMessage } from './readWords.js';
import { commandAgentSettings } from './settings.js';
import { addUsage, pickUsage } from './usageSum.js';

export interface CodexAgentConfiguration extends CommandAgentConfiguration {
  /**
   * What the commands it runs may do. `workspace-write` (default): write in the worktree and in temporary folders, no
   * network. `danger-full-access`: everything; for machines that are a sandbox themselves, or can't make one.
   */
  readonly sandbox?: 'workspace-write' | 'danger-full-access';
}

export const CODEX_CHECKED = {
  version: '0.169.0',
  npmPackage: '@openai/codex',
  program: 'codex',
  helps: [
    {
      args: ['exec', '--help'],
      flags: [
        '--json',
        '--sandbox',
        '--skip-git-repo-check',
        '--config',
        '--color',
        '--ephemeral',
        '--model',
      ],
    },
  ],
} as const;

/** Codex, by `codex exec`: the prompt by stdin, its events as lines of JSON. */
export function createCodexAgent(
  dependencies: AgentDependencies,
  configuration: CodexAgentConfiguration,
): AgentAdapter {
  return createCommandAgent(dependencies, configuration, {
    ...CODEX,
    arguments: ({ model }) => [
      'exec',
      '--json',
      '--color',
      'never',
      '--sandbox',
      configuration.sandbox ?? 'workspace-write',
      '--config',
      'approval_policy="never"',
      // Where it works is our choice, a repository or not.
      '--skip-git-repo-check',
      // Else each attempt would stand in the operator's own list of sessions.
      '--ephemeral',
      ...(model === undefined ? [] : ['--model', model]),
    ],
  });
}

const WORDS = {
  title: 'Codex',
  login: 'Set CODEX_API_KEY for the daemon, or run "codex login" once as the daemon\'s user.',
} as const;

const CODEX: Omit<CommandAgentDescription, 'arguments'> = {
  ...WORDS,
  name: 'codex',
  program: 'codex',
  install:
    'Install it with "npm install -g @openai/codex", or name its path as its command in agents.config.json.',
  checked: CODEX_CHECKED,
  credentials: { variables: ['CODEX_API_KEY', 'OPENAI_API_KEY'], files: ['.codex/auth.json'] },
  variables: ['CODEX_HOME', 'OPENAI_BASE_URL', 'OPENAI_ORGANIZATION', 'OPENAI_PROJECT'],
  promptBy: 'stdin',
  createLineReader: createCodexReader,
};

/** Reads the lines of `codex exec --json`. */
export function createCodexReader(): LineReader {
  let sum: AgentUsage = {};
  let lastText = '';

  function readMessage(item: JsonObject): ParsedLine {
    const { signals, text, warning } = readWords(textOf(item, 'text'));
    if (text !== '') lastText = text;
    return { signals, log: text, ...(warning === undefined ? {} : { warning }) };
  }

  function refuse(message: string): ParsedLine {
    return { signals: [{ kind: 'fault', fault: describeFault(WORDS, { message }) }], log: message };
  }

  return readJsonLines((event) => {
    switch (textOf(event, 'type')) {
      case 'item.started':
        return announceItem(objectOf(event, 'item'));
      case 'item.completed':
        return textOf(objectOf(event, 'item'), 'type') === 'agent_message'
          ? readMessage(objectOf(event, 'item'))
          : readItem(objectOf(event, 'item'));
      case 'item.updated':
        return readItem(objectOf(event, 'item'), 'todo_list');
      case 'turn.completed':
        sum = addUsage(sum, { ...readTokens(objectOf(event, 'usage')), turns: 1 });
        return {
          signals: [
            { kind: 'usage', usage: sum },
            // A result before its turn is over would have it ended while a command of it runs silently.
            { kind: 'result', output: lastText },
          ],
        };
      case 'turn.failed':
        return refuse(textOf(objectOf(event, 'error'), 'message'));
      case 'error': {
        const message = textOf(event, 'message');
        // It tells of each of its new tries by the same event.
        return /^reconnecting/i.test(message)
          ? { signals: [{ kind: 'message', message: shortenMessage(message) }], log: message }
          : refuse(message);
      }
      default:
        return textOf(event, 'type') === '' ? null : { signals: [] };
    }
  });
}

function announceItem(item: JsonObject): ParsedLine {
  const type = textOf(item, 'type');
  const said =
    type === 'command_execution'
      ? `$ ${textOf(item, 'command')}`
      : type === 'mcp_tool_call'
        ? `${textOf(item, 'server')}.${textOf(item, 'tool')}`
        : type === 'web_search'
          ? `search: ${textOf(item, 'query')}`
          : '';
  if (said === '') return { signals: [] };
  return { signals: [{ kind: 'message', message: shortenMessage(said) }], log: `→ ${said}` };
}

function readItem(item: JsonObject, only?: string): ParsedLine {
  const type = textOf(item, 'type');
  if (only !== undefined && type !== only) return { signals: [] };
  switch (type) {
    case 'file_change': {
      const changes = objectsOf(item, 'changes').map(
        (change) => `${textOf(change, 'kind')} ${textOf(change, 'path')}`,
      );
      if (changes.length === 0) return { signals: [] };
      return {
        signals: [{ kind: 'message', message: shortenMessage(changes.join(', ')) }],
        log: changes.map((change) => `→ ${change}`).join('\n'),
      };
    }
    case 'command_execution':
      return textOf(item, 'status') === 'failed'
        ? {
            signals: [],
            log: `✗ ${textOf(item, 'command')}\n${textOf(item, 'aggregated_output').slice(-500)}`,
          }
        : { signals: [] };
    case 'todo_list':
      return { signals: readTodos(item) };
    case 'error':
      return { signals: [], log: `✗ ${textOf(item, 'message')}` };
    default:
      return { signals: [] };
  }
}

function readTodos(item: JsonObject): AgentSignal[] {
  const items = objectsOf(item, 'items');
  if (items.length === 0) return [];
  const done = items.filter((todo) => fieldOf(todo, 'completed') === true).length;
  const next = items.find((todo) => fieldOf(todo, 'completed') !== true);
  const percent = Math.round((done / items.length) * 100);
  const message = next === undefined ? '' : shortenMessage(textOf(next, 'text'));
  return [{ kind: 'progress', percent, ...(message === '' ? {} : { message }) }];
}

/** Its input holds what a cache gave or took. */
function readTokens(usage: JsonObject): AgentUsage {
  const input = countOf(usage, 'input_tokens');
  const cacheReadTokens = countOf(usage, 'cached_input_tokens');
  const cacheWriteTokens = countOf(usage, 'cache_write_input_tokens');
  const cached = (cacheReadTokens ?? 0) + (cacheWriteTokens ?? 0);
  return pickUsage({
    inputTokens: input === undefined ? undefined : Math.max(0, input - cached),
    cacheReadTokens,
    cacheWriteTokens,
    outputTokens: countOf(usage, 'output_tokens'),
  });
}

export const codexAgent: AgentKind<CodexAgentConfiguration> = {
  settings: z.strictObject({
    ...commandAgentSettings,
    sandbox: z.enum(['workspace-write', 'danger-full-access']).exactOptional(),
  }),
  create: createCodexAgent,
};

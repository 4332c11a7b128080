import type { AgentAdapter, AgentSignal, AgentUsage, LineReader, ParsedLine } from './agentAdapter.js';
import type { AgentDependencies } from './agentDependencies.js';
import {
  type CommandAgentConfiguration,
  type CommandAgentDescription,
  createCommandAgent,
} from './commandAgent.js';
import { describeToolCall } from './describeToolCall.js';
import { costOf, countOf, fieldOf, isObject, numberOf, objectOf, objectsOf, textOf } from './jsonFields.js';
import { readJsonLines } from './jsonLines.js';
import type { JsonObject } from './parseJson.js';
import { readResetEpoch } from './parseResetTime.js';
import { describeProviderFault } from './providerFault.js';
import { readWords } from './readWords.js';
import { addUsage, pickUsage } from './usageSum.js';

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

const WORDS = {
  title: 'Claude Code',
  login:
    'Set ANTHROPIC_API_KEY for the daemon, or start "claude" once as the daemon\'s user and log in with /login.',
} as const;

const CLAUDE: Omit<CommandAgentDescription, 'arguments'> = {
  ...WORDS,
  name: 'claude',
  program: 'claude',
  install:
    'Install it with "npm install -g @anthropic-ai/claude-code", or name its path in the agent\'s command.',
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

/** Reads the lines of `--output-format stream-json`. */
export function createClaudeReader(now: () => Date): LineReader {
  /** Of the messages before the one that is being told; a message comes in several lines, each with its usage so far. */
  let sum: AgentUsage = {};
  let messageId = '';
  let ofMessage: AgentUsage = {};
  let resetAt: string | undefined;
  /** While it asks again; forgotten as soon as a model answers. */
  let refused: { readonly status: number | undefined; readonly kind: string } | null = null;

  function readAssistant(event: JsonObject): ParsedLine {
    const message = objectOf(event, 'message');
    const signals: AgentSignal[] = [];
    const log: string[] = [];
    let warning: string | undefined;
    const error = textOf(event, 'error');
    for (const block of objectsOf(message, 'content')) {
      if (textOf(block, 'type') === 'tool_use') {
        const call = describeToolCall(textOf(block, 'name'), objectOf(block, 'input'));
        signals.push({ kind: 'message', message: call });
        log.push(`→ ${call}`);
      } else if (textOf(block, 'type') === 'text') {
        const words = readWords(textOf(block, 'text'));
        log.push(words.text);
        warning ??= words.warning;
        if (error === '') signals.push(...words.signals);
        else signals.push(...readRefusal(words.text, error, undefined));
      }
    }
    signals.push(...readMessageUsage(message));
    return { signals, log: log.join('\n'), ...(warning === undefined ? {} : { warning }) };
  }

  function readMessageUsage(message: JsonObject): AgentSignal[] {
    const usage = readTokens(objectOf(message, 'usage'));
    const model = textOf(message, 'model');
    // What it says itself, of a refusal for one, comes from no model.
    if (Object.keys(usage).length === 0 || model === '' || model.startsWith('<')) return [];
    const id = textOf(message, 'id');
    if (id !== messageId) {
      sum = addUsage(sum, ofMessage);
      messageId = id;
    }
    ofMessage = { ...usage, turns: 1, model };
    refused = null;
    return [{ kind: 'usage', usage: addUsage(sum, ofMessage) }];
  }

  function readRefusal(message: string, kind: string, status: number | undefined): AgentSignal[] {
    const fault = describeProviderFault(WORDS, { message, kind: explainKind(kind), status, resetAt }, now());
    return fault === null ? [] : [{ kind: 'fault', fault }];
  }

  function readSystem(event: JsonObject): ParsedLine {
    switch (textOf(event, 'subtype')) {
      case 'init': {
        const model = textOf(event, 'model');
        const version = textOf(event, 'claude_code_version');
        return {
          signals: [
            {
              kind: 'metadata',
              metadata: { ...(model === '' ? {} : { model }), ...(version === '' ? {} : { version }) },
            },
          ],
          log: `Claude Code ${version} with ${model}`.replace(/ {2,}/g, ' '),
        };
      }
      case 'api_retry': {
        refused = { status: numberOf(event, 'error_status'), kind: textOf(event, 'error') };
        const attempt = `attempt ${numberOf(event, 'attempt') ?? '?'} of ${numberOf(event, 'max_retries') ?? '?'}`;
        const said = `The provider refused (${refused.status ?? 'no answer'} ${refused.kind}); asking again, ${attempt}`;
        return { signals: [{ kind: 'message', message: said }], log: said };
      }
      default:
        return { signals: [] };
    }
  }

  function readResult(event: JsonObject): ParsedLine {
    const usage = readTotals(event);
    const signals: AgentSignal[] = [{ kind: 'usage', usage }];
    const subtype = textOf(event, 'subtype');
    const said = textOf(event, 'result');
    const failed = fieldOf(event, 'is_error') === true || (subtype !== '' && subtype !== 'success');
    if (!failed) {
      const { text } = readWords(said);
      signals.push({ kind: 'result', output: text });
      return { signals };
    }
    const errors = fieldOf(event, 'errors');
    const words = [
      said,
      ...(Array.isArray(errors) ? errors.filter((error) => typeof error === 'string') : []),
    ];
    const message = words.filter((word) => word !== '').join('\n');
    const status = numberOf(event, 'api_error_status') ?? refused?.status;
    const faults = readRefusal(message, refused?.kind ?? '', status);
    signals.push(...(faults.length > 0 ? faults : [describeOwnFailure(subtype, message)]));
    // A refusal has been logged as its last message.
    return faults.length > 0 ? { signals } : { signals, log: message };
  }

  return readJsonLines((event) => {
    switch (textOf(event, 'type')) {
      case 'assistant':
        return readAssistant(event);
      case 'system':
        return readSystem(event);
      case 'result':
        return readResult(event);
      case 'rate_limit_event': {
        const info = objectOf(event, 'rate_limit_info');
        if (textOf(info, 'status') === 'rejected')
          resetAt = readResetEpoch(numberOf(info, 'resetsAt'), now());
        return { signals: [] };
      }
      case 'user':
        return { signals: [], ...logToolErrors(event) };
      default:
        return textOf(event, 'type') === '' ? null : { signals: [] };
    }
  });
}

function readTokens(usage: JsonObject): AgentUsage {
  return pickUsage({
    inputTokens: countOf(usage, 'input_tokens'),
    outputTokens: countOf(usage, 'output_tokens'),
    cacheReadTokens: countOf(usage, 'cache_read_input_tokens'),
    cacheWriteTokens: countOf(usage, 'cache_creation_input_tokens'),
  });
}

/** Sums over all models where it tells them apart: its `usage` leaves out the small one that it works with aside. */
function readTotals(event: JsonObject): AgentUsage {
  const perModel = Object.entries(objectOf(event, 'modelUsage')).flatMap(([model, usage]) =>
    isObject(usage) ? [{ model, usage }] : [],
  );
  let tokens = readTokens(objectOf(event, 'usage'));
  if (perModel.length > 0) {
    tokens = perModel
      .map(({ usage }) =>
        pickUsage({
          inputTokens: countOf(usage, 'inputTokens'),
          outputTokens: countOf(usage, 'outputTokens'),
          cacheReadTokens: countOf(usage, 'cacheReadInputTokens'),
          cacheWriteTokens: countOf(usage, 'cacheCreationInputTokens'),
        }),
      )
      .reduce(addUsage);
  }
  return pickUsage({
    ...tokens,
    costUsd: costOf(event, 'total_cost_usd'),
    turns: countOf(event, 'num_turns'),
  });
}

/** Its own words for what a provider refuses. */
function explainKind(kind: string): string {
  switch (kind) {
    case 'authentication_failed':
    case 'oauth_org_not_allowed':
      return 'authentication_error';
    case 'billing_error':
      return 'billing';
    case 'model_not_found':
      return 'unknown model';
    default:
      return kind;
  }
}

function describeOwnFailure(subtype: string, message: string): AgentSignal {
  const said = message.slice(0, 1_500);
  const own = {
    error_max_turns: { code: 'TURN_LIMIT', words: 'Claude Code reached the limit of its turns.' },
    error_max_budget_usd: { code: 'COST_LIMIT', words: 'Claude Code reached the limit of its cost.' },
  }[subtype] ?? { code: 'AGENT_FAILED', words: 'Claude Code gave up.' };
  return {
    kind: 'fault',
    fault: { failureClass: 'agent', code: own.code, message: `${own.words} ${said}`.trim() },
  };
}

/** What went wrong with a tool is worth a line of log; what it brought is not. */
function logToolErrors(event: JsonObject): { log?: string } {
  const failed = objectsOf(objectOf(event, 'message'), 'content').filter(
    (block) => fieldOf(block, 'is_error') === true,
  );
  if (failed.length === 0) return {};
  return {
    log: failed.map((block) => `✗ ${textOf(block, 'content').slice(0, 500) || 'a tool failed'}`).join('\n'),
  };
}

import type { AgentSignal, AgentUsage, LineReader, ParsedLine } from './agentAdapter.js';
import { describeToolCall } from './describeToolCall.js';
import { costOf, countOf, fieldOf, isObject, numberOf, objectOf, objectsOf, textOf } from './jsonFields.js';
import { readJsonLines } from './jsonLines.js';
import type { JsonObject } from './parseJson.js';
import { readResetEpoch } from './parseResetTime.js';
import { describeFault, describeProviderFault } from './providerFault.js';
import { readWords } from './readWords.js';
import { addUsage, pickUsage } from './usageSum.js';

export const CLAUDE_WORDS = {
  title: 'Claude Code',
  login:
    'Set ANTHROPIC_API_KEY for the daemon, or start "claude" once as the daemon\'s user and log in with /login.',
} as const;

/** Reads the lines of `--output-format stream-json`. */
export function createClaudeReader(): LineReader {
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
        warning ??= words.warning;
        if (error === '') {
          log.push(words.text);
          signals.push(...words.signals);
        } else {
          // Its result says the same again, and is logged.
          signals.push(...readRefusal(words.text, error));
        }
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

  function readRefusal(message: string, kind: string): AgentSignal[] {
    const refusal = { message, kind: explainKind(kind), resetAt };
    const fault = describeProviderFault(CLAUDE_WORDS, refusal);
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
    const refusal = { message, kind: explainKind(refused?.kind ?? ''), status, resetAt };
    const fault = describeFault(CLAUDE_WORDS, refusal, chooseOwnCode(subtype));
    return { signals: [...signals, { kind: 'fault', fault }], log: message };
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
        if (textOf(info, 'status') === 'rejected') resetAt = readResetEpoch(numberOf(info, 'resetsAt'));
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

function chooseOwnCode(subtype: string) {
  if (subtype === 'error_max_turns') return 'TURN_LIMIT';
  return subtype === 'error_max_budget_usd' ? 'COST_LIMIT' : 'AGENT_FAILED';
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

import { expect, it } from 'vitest';
import type { AgentSignal, LineReader, ParsedLine } from '../../src/agents/agentAdapter.js';
import { createAiderReader } from '../../src/agents/aider.js';
import { createClaudeReader } from '../../src/agents/claudeReader.js';
import { createClineReader } from '../../src/agents/cline.js';
import { createCodexReader } from '../../src/agents/codex.js';
import { createCopilotReader } from '../../src/agents/copilot.js';
import { createCursorReader } from '../../src/agents/cursor.js';
import { createGeminiReader } from '../../src/agents/gemini.js';
import { createOpencodeReader } from '../../src/agents/opencode.js';

function readAll(
  reader: LineReader,
  lines: readonly (object | string)[],
  stream: 'stdout' | 'stderr' = 'stdout',
) {
  const parsed = lines.map((line) =>
    reader({ stream, text: typeof line === 'string' ? line : JSON.stringify(line), cut: false }),
  );
  const known = parsed.filter((line): line is ParsedLine => line !== null);
  const signals = known.flatMap((line) => line.signals);
  const last = <Kind extends AgentSignal['kind']>(kind: Kind) =>
    signals.findLast((signal): signal is Extract<AgentSignal, { kind: Kind }> => signal.kind === kind);
  return { parsed, signals, last, log: known.flatMap((line) => line.log ?? []) };
}

const claudeText = (text: string, id = 'msg_1', usage: object = { input_tokens: 5, output_tokens: 2 }) => ({
  type: 'assistant',
  message: { id, model: 'claude-x', role: 'assistant', content: [{ type: 'text', text }], usage },
  parent_tool_use_id: null,
});

it('claude: words, tools, the sums so far and the totals at the end', () => {
  const { signals, last, log } = readAll(createClaudeReader(), [
    { type: 'system', subtype: 'init', model: 'claude-x', claude_code_version: '2.1.0', tools: ['Bash'] },
    claudeText('Looking.'),
    // The same message again, with another block: its usage counts once.
    {
      type: 'assistant',
      message: {
        id: 'msg_1',
        model: 'claude-x',
        content: [
          { type: 'tool_use', id: 't', name: 'Edit', input: { file_path: '/w/a.ts', old_string: 'a' } },
        ],
        usage: { input_tokens: 5, output_tokens: 2 },
      },
    },
    {
      type: 'user',
      message: {
        content: [{ type: 'tool_result', tool_use_id: 't', content: 'no such file', is_error: true }],
      },
    },
    claudeText('Done.', 'msg_2', { input_tokens: 7, output_tokens: 3, cache_read_input_tokens: 50 }),
    {
      type: 'result',
      subtype: 'success',
      is_error: false,
      num_turns: 2,
      result: 'Done.',
      total_cost_usd: 0.0123,
      usage: { input_tokens: 12, output_tokens: 5 },
      modelUsage: {
        'claude-x': {
          inputTokens: 12,
          outputTokens: 5,
          cacheReadInputTokens: 50,
          cacheCreationInputTokens: 0,
          costUSD: 0.01,
        },
        'claude-small': {
          inputTokens: 100,
          outputTokens: 1,
          cacheReadInputTokens: 0,
          cacheCreationInputTokens: 0,
          costUSD: 0.0023,
        },
      },
    },
  ]);
  const usages = signals.filter((signal) => signal.kind === 'usage').map(({ usage }) => usage);
  expect(usages).toEqual([
    { inputTokens: 5, outputTokens: 2, turns: 1, model: 'claude-x' },
    { inputTokens: 5, outputTokens: 2, turns: 1, model: 'claude-x' },
    { inputTokens: 12, outputTokens: 5, cacheReadTokens: 50, turns: 2, model: 'claude-x' },
    {
      inputTokens: 112,
      outputTokens: 6,
      cacheReadTokens: 50,
      cacheWriteTokens: 0,
      costUsd: 0.0123,
      turns: 2,
    },
  ]);
  expect(last('result')?.output).toBe('Done.');
  expect(log).toEqual([
    'Claude Code 2.1.0 with claude-x',
    'Looking.',
    '→ Edit: /w/a.ts',
    '✗ no such file',
    'Done.',
  ]);
  expect(signals).toContainEqual({ kind: 'message', message: 'Edit: /w/a.ts' });
});

it('claude: a limit that is reached, with the time it ends', () => {
  const { last } = readAll(createClaudeReader(), [
    {
      type: 'rate_limit_event',
      rate_limit_info: { status: 'rejected', resetsAt: 1795258800, rateLimitType: 'five_hour' },
    },
    {
      type: 'result',
      subtype: 'success',
      is_error: true,
      result: "You've hit your limit · resets 3pm (Europe/Berlin)",
      num_turns: 1,
      total_cost_usd: 0,
    },
  ]);
  expect(last('fault')?.fault).toMatchObject({
    code: 'QUOTA_EXCEEDED',
    failureClass: 'provider',
    resetAt: '2026-11-21T11:00:00.000Z',
  });
  expect(last('result')).toBeUndefined();
});

it('claude: forgets a refusal once it is let in again', () => {
  const { last } = readAll(createClaudeReader(), [
    {
      type: 'system',
      subtype: 'api_retry',
      attempt: 1,
      max_retries: 10,
      error_status: 529,
      error: 'overloaded',
    },
    claudeText('On we go.'),
    { type: 'result', subtype: 'error_max_turns', is_error: true, num_turns: 30 },
  ]);
  expect(last('fault')?.fault).toMatchObject({ failureClass: 'agent', code: 'TURN_LIMIT' });
});

it('claude: reports of the line protocol in what it says', () => {
  const { signals } = readAll(createClaudeReader(), [
    claudeText('Half of it.\n`::neolith {"progress": 50, "message": "half"}`\n::neolith {"progress": 200}'),
  ]);
  expect(signals.slice(0, 2)).toEqual([
    { kind: 'progress', percent: 50, message: 'half' },
    { kind: 'message', message: 'Half of it.' },
  ]);
});

it('codex: commands, changes, its list, its last message and its tokens', () => {
  const { signals, last, log } = readAll(createCodexReader(), [
    { type: 'thread.started', thread_id: 't' },
    { type: 'turn.started' },
    {
      type: 'item.started',
      item: {
        id: 'i1',
        type: 'command_execution',
        command: 'ls',
        aggregated_output: '',
        status: 'in_progress',
      },
    },
    {
      type: 'item.completed',
      item: {
        id: 'i1',
        type: 'command_execution',
        command: 'ls',
        aggregated_output: 'no',
        exit_code: 2,
        status: 'failed',
      },
    },
    {
      type: 'item.completed',
      item: {
        id: 'i2',
        type: 'file_change',
        changes: [{ path: 'a.ts', kind: 'update' }],
        status: 'completed',
      },
    },
    {
      type: 'item.updated',
      item: {
        id: 'i3',
        type: 'todo_list',
        items: [
          { text: 'one', completed: true },
          { text: 'two', completed: false },
        ],
      },
    },
    { type: 'item.completed', item: { id: 'i4', type: 'agent_message', text: 'First.' } },
    { type: 'item.completed', item: { id: 'i5', type: 'agent_message', text: 'All done.' } },
    { type: 'turn.completed', usage: { input_tokens: 100, cached_input_tokens: 60, output_tokens: 9 } },
  ]);
  expect(last('result')?.output).toBe('All done.');
  expect(signals.filter(({ kind }) => kind === 'result')).toHaveLength(1);
  expect(last('usage')?.usage).toEqual({ inputTokens: 40, cacheReadTokens: 60, outputTokens: 9, turns: 1 });
  expect(signals).toContainEqual({ kind: 'progress', percent: 50, message: 'two' });
  expect(log).toEqual(['→ $ ls', '✗ ls\nno', '→ update a.ts', 'First.', 'All done.']);
});

it('codex: tries again by itself, and tells the refusal when it gives up', () => {
  const reader = createCodexReader();
  expect(readAll(reader, [{ type: 'error', message: 'Reconnecting... 1/5' }]).last('fault')).toBeUndefined();
  const message = "You've hit your usage limit. Try again in 4 days 20 hours 9 minutes.";
  expect(readAll(reader, [{ type: 'turn.failed', error: { message } }]).last('fault')?.fault).toMatchObject({
    code: 'QUOTA_EXCEEDED',
    resetAt: 'PT418140S',
  });
});

it('gemini: joins the pieces of a message; what it says last is the result', () => {
  const { signals, last, log } = readAll(createGeminiReader(), [
    { type: 'init', session_id: 's', model: 'gemini-x' },
    { type: 'message', role: 'user', content: 'the prompt' },
    { type: 'message', role: 'assistant', content: 'I will ', delta: true },
    { type: 'message', role: 'assistant', content: 'write.', delta: true },
    {
      type: 'tool_use',
      tool_name: 'write_file',
      tool_id: 'w',
      parameters: { file_path: 'a.txt', content: 'x' },
    },
    { type: 'tool_result', tool_id: 'w', status: 'error', error: { type: 'x', message: 'no room' } },
    { type: 'message', role: 'assistant', content: 'Written.', delta: true },
    {
      type: 'result',
      status: 'success',
      stats: { total_tokens: 30, input_tokens: 20, output_tokens: 10, cached: 5, tool_calls: 1 },
    },
  ]);
  expect(log.filter(Boolean)).toEqual(['I will write.\n→ write_file: a.txt', '✗ no room', 'Written.']);
  expect(last('result')?.output).toBe('Written.');
  expect(last('usage')?.usage).toEqual({
    inputTokens: 15,
    cacheReadTokens: 5,
    outputTokens: 10,
    model: 'gemini-x',
  });
  expect(signals.map(({ kind }) => kind)).toEqual([
    'metadata',
    'message',
    'message',
    'message',
    'usage',
    'result',
  ]);
});

it.each([
  [
    {
      type: 'result',
      status: 'error',
      error: { type: 'Error', message: 'API key not valid. Please pass a valid API key.' },
    },
  ],
  [
    {
      session_id: 's',
      error: { type: 'Error', message: 'Please set an Auth method in your settings', code: 41 },
    },
  ],
  [{ type: 'error', severity: 'error', message: 'got status: 401 UNAUTHENTICATED unauthorized' }],
])('gemini: %j is a missing log-in', (event) => {
  expect(readAll(createGeminiReader(), [event]).last('fault')?.fault.code).toBe('NOT_LOGGED_IN');
});

it('opencode: adds up the steps; the last text is the result', () => {
  const tokens = { input: 10, output: 5, reasoning: 2, cache: { read: 3, write: 1 } };
  const step = (reason: string) => ({ type: 'step_finish', part: { reason, cost: 0.01, tokens } });
  const { signals, last, log } = readAll(createOpencodeReader(), [
    { type: 'step_start', part: {} },
    {
      type: 'tool_use',
      part: { tool: 'write', state: { status: 'completed', input: { filePath: 'a.txt' }, output: '' } },
    },
    { type: 'text', part: { text: 'On its way.' } },
    step('tool-calls'),
    { type: 'text', part: { text: 'There it is.' } },
    step('stop'),
  ]);
  expect(last('usage')?.usage).toEqual({
    inputTokens: 20,
    outputTokens: 14,
    cacheReadTokens: 6,
    cacheWriteTokens: 2,
    costUsd: 0.02,
    turns: 2,
  });
  expect(last('result')?.output).toBe('There it is.');
  // One result, at the end: a result on the way would have it ended while it works silently.
  expect(signals.filter(({ kind }) => kind === 'result')).toHaveLength(1);
  expect(log).toEqual(['→ write: a.txt', 'On its way.', 'There it is.']);
});

it('opencode: what its provider refused', () => {
  const error = { name: 'APIError', data: { message: 'Overloaded', statusCode: 529, isRetryable: true } };
  expect(readAll(createOpencodeReader(), [{ type: 'error', error }]).last('fault')?.fault).toMatchObject({
    code: 'PROVIDER_UNAVAILABLE',
    failureClass: 'provider',
  });
});

it('cursor: messages, tools and the result', () => {
  const reader = createCursorReader();
  const { last, log } = readAll(reader, [
    { type: 'system', subtype: 'init', model: 'gpt-x', session_id: 's' },
    { type: 'assistant', message: { role: 'assistant', content: [{ type: 'text', text: 'Reading.' }] } },
    {
      type: 'tool_call',
      subtype: 'started',
      call_id: 'c',
      tool_call: { readToolCall: { args: { path: 'README.md' } } },
    },
    {
      type: 'tool_call',
      subtype: 'completed',
      call_id: 'c',
      tool_call: { readToolCall: { args: { path: 'README.md' }, result: {} } },
    },
    { type: 'result', subtype: 'success', is_error: false, result: 'Read.', duration_ms: 5 },
  ]);
  expect(log).toEqual(['Reading.', '→ read: README.md']);
  expect(last('result')?.output).toBe('Read.');
});

it('aider: tokens and cost from its words, and what its provider threw', () => {
  const reader = createAiderReader();
  const { last, signals } = readAll(reader, [
    'I renamed it.',
    'Applied edit to src/a.ts',
    'Tokens: 2.5k sent, 1.0k cache write, 300 cache hit, 280 received. Cost: $0.01 message, $0.01 session.',
    'Tokens: 1.5k sent, 20 received. Cost: $0.005 message, $0.02 session.',
    'Just words about an Error.',
  ]);
  expect(last('usage')?.usage).toEqual({
    inputTokens: 4_000,
    cacheWriteTokens: 1_000,
    cacheReadTokens: 300,
    outputTokens: 300,
    costUsd: 0.015,
    turns: 2,
  });
  expect(signals[0]).toEqual({ kind: 'message', message: 'Edited src/a.ts' });
  expect(signals).toContainEqual({ kind: 'result', output: 'I renamed it.' });
  expect(last('fault')).toBeUndefined();
  const named = readAll(createAiderReader(), [
    '::neolith {"output": 7}',
    'More.',
    'Tokens: 1k sent, 2 received.',
  ]);
  expect(named.last('result')?.output).toBe(7);
  const refused = readAll(reader, ['litellm.AuthenticationError: AnthropicException - invalid x-api-key']);
  expect(refused.last('fault')?.fault.code).toBe('NOT_LOGGED_IN');
});

it('copilot: messages, tools, and the error that ends it', () => {
  const reader = createCopilotReader();
  const { signals, last, log } = readAll(reader, [
    { type: 'user.message', data: { content: 'the prompt' } },
    {
      type: 'assistant.message',
      data: { content: 'Writing.', model: 'm', outputTokens: 4, toolRequests: [] },
    },
    { type: 'tool.execution_start', data: { toolName: 'create', arguments: { path: 'a.txt' } } },
    { type: 'tool.execution_complete', data: { success: false, error: { message: 'no room' } } },
    { type: 'assistant.message', data: { content: 'of a helper', parentToolCallId: 'x' } },
    { type: 'assistant.message', data: { content: 'Done.', model: 'm', outputTokens: 5 } },
    { type: 'assistant.message', data: { content: '', toolRequests: [] } },
    { type: 'result', exitCode: 0, usage: { premiumRequests: 0 } },
  ]);
  expect(signals.filter(({ kind }) => kind === 'result')).toHaveLength(1);
  expect(last('result')?.output).toBe('Done.');
  expect(last('usage')?.usage).toEqual({ outputTokens: 9, turns: 4, model: 'm' });
  expect(log.filter(Boolean)).toEqual(['Writing.', '→ create: a.txt', '✗ no room', 'of a helper', 'Done.']);
  const error = { errorType: 'rate_limit', message: 'You are out of premium requests.', statusCode: 429 };
  expect(readAll(reader, [{ type: 'session.error', data: error }]).last('fault')?.fault.code).toBe(
    'QUOTA_EXCEEDED',
  );
});

it('cline: events, usage so far and the result', () => {
  const { last, log } = readAll(createClineReader(), [
    {
      type: 'agent_event',
      event: { type: 'content_start', contentType: 'tool', toolName: 'editor', input: { path: 'a.txt' } },
    },
    {
      type: 'agent_event',
      event: { type: 'content_end', contentType: 'tool', toolName: 'editor', error: 'no room' },
    },
    { type: 'agent_event', event: { type: 'content_end', contentType: 'text', text: 'Done.' } },
    {
      type: 'agent_event',
      event: { type: 'usage', totalInputTokens: 20, totalOutputTokens: 5, totalCost: 0.01 },
    },
    {
      type: 'run_result',
      finishReason: 'completed',
      iterations: 2,
      text: 'Done.',
      usage: { inputTokens: 20, outputTokens: 5, cacheReadTokens: 3, totalCost: 0.01 },
    },
  ]);
  expect(last('result')?.output).toBe('Done.');
  expect(last('usage')?.usage).toEqual({
    inputTokens: 20,
    outputTokens: 5,
    cacheReadTokens: 3,
    costUsd: 0.01,
    turns: 2,
  });
  expect(log).toEqual(['→ editor: a.txt', '✗ no room', 'Done.']);
  const failed = readAll(createClineReader(), [
    { type: 'run_result', finishReason: 'error', text: 'Overloaded' },
  ]);
  expect(failed.last('fault')?.fault.code).toBe('PROVIDER_UNAVAILABLE');
  expect(failed.last('result')).toBeUndefined();
});

import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ParsedLine } from '../../src/agents/agentAdapter.js';
import { AGENT_NAMES, createAgent } from '../../src/agents/registry.js';

const readers = AGENT_NAMES.map((name) => ({
  name,
  create: () =>
    createAgent(name, { hostEnvironment: {}, baseDirectory: '/' }, {}).createLineReader?.() ?? (() => null),
}));

/** Words that readers look for, so that nonsense gets past their first question. */
const words = fc.constantFrom(
  'assistant',
  'system',
  'result',
  'user',
  'init',
  'api_retry',
  'success',
  'error',
  'text',
  'tool_use',
  'tool_result',
  'item.started',
  'item.completed',
  'item.updated',
  'turn.completed',
  'turn.failed',
  'agent_message',
  'todo_list',
  'file_change',
  'command_execution',
  'message',
  'step_finish',
  'started',
  'tool_call',
  'rate_limit_event',
  'rejected',
  'assistant.message',
  'tool.execution_start',
  'session.error',
  'assistant.usage',
  'say',
  'ask',
  'completion_result',
  'api_req_started',
  'run_result',
  'agent_event',
  '__proto__',
  'constructor',
  'toString',
);
const keys = fc.constantFrom(
  'type',
  'subtype',
  'message',
  'content',
  'usage',
  'modelUsage',
  'item',
  'items',
  'part',
  'state',
  'input',
  'tokens',
  'cache',
  'error',
  'errors',
  'data',
  'result',
  'stats',
  'role',
  'id',
  'model',
  'text',
  'command',
  'changes',
  'cost',
  'input_tokens',
  'output_tokens',
  'total_cost_usd',
  'num_turns',
  'is_error',
  'rate_limit_info',
  'resetsAt',
  'status',
  'tool_call',
  'readToolCall',
  'args',
  'name',
  'parameters',
  'tool_name',
  'severity',
  'say',
  'ts',
  'toolRequests',
  'constructor',
  'toString',
  'length',
  'event',
  'finishReason',
);
const { value: json } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.jsonValue({ maxDepth: 2 }),
    words,
    fc.constantFrom(-1, 0.5, 1e308, -0, 4e15, Number.MAX_SAFE_INTEGER),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(keys, tie('value'), { maxKeys: 6 }),
  ),
}));
const event = fc
  .tuple(fc.dictionary(keys, json, { maxKeys: 8 }), words)
  .map(([fields, type]) => JSON.stringify({ ...fields, type }));
const line = fc.oneof(
  event,
  json.map((value) => JSON.stringify(value)),
  event.map((text) => text.slice(0, text.length / 2)),
  fc.string({ unit: 'binary', maxLength: 400 }),
  words.map((word) => `Tokens: ${word} sent, 1e9k received. Cost: $NaN message`),
  fc.string({ unit: 'binary' }).map((text) => `::neolith ${text}`),
);

it.each(readers)(
  '$name: reads any lines without throwing, and says only what can be passed on',
  ({ create }) => {
    fc.assert(
      fc.property(fc.array(fc.tuple(line, fc.boolean(), fc.boolean()), { maxLength: 12 }), (lines) => {
        const read = create();
        for (const [text, cut, isStderr] of lines)
          expectSound(read({ stream: isStderr ? 'stderr' : 'stdout', text, cut }));
      }),
      { numRuns: 300 },
    );
  },
);

const huge: [string, string][] = [
  ['a line of 4 MiB', `{"type":"assistant","message":"${'x'.repeat(4 * 1024 * 1024)}"}`],
  ['brackets 200,000 deep', `{"type":"result","result":${'['.repeat(200_000)}${']'.repeat(200_000)}}`],
  ['braces that never close', '{"a":'.repeat(100_000)],
  [
    'a text of 100,000 lines',
    JSON.stringify({
      type: 'assistant',
      message: { content: [{ type: 'text', text: '::neolith {\n'.repeat(100_000) }] },
    }),
  ],
  ['spaces', ' '.repeat(1024 * 1024)],
  ['a word that looks like a refusal for long', `Error: ${'model '.repeat(200_000)}`],
  ['durations for long', `Error: rate limit, try again in ${'9 h '.repeat(100_000)}`],
];

it.each(readers)('$name: reads huge lines in time', ({ create }) => {
  for (const [what, text] of huge) {
    const startedMs = performance.now();
    for (const stream of ['stdout', 'stderr'] as const) expectSound(create()({ stream, text, cut: false }));
    expect(performance.now() - startedMs, what).toBeLessThan(2_000);
  }
});

function expectSound(parsed: ParsedLine | null): void {
  if (parsed === null) return;
  for (const signal of parsed.signals) {
    if (signal.kind === 'progress') {
      expect(signal.percent).toBeGreaterThanOrEqual(0);
      expect(signal.percent).toBeLessThanOrEqual(100);
    }
    if (signal.kind === 'message') expect(signal.message.length).toBeLessThanOrEqual(2_000);
    if (signal.kind === 'fault') expect(signal.fault.code).toMatch(/^[A-Z_]+$/);
    if (signal.kind === 'usage') {
      for (const [key, value] of Object.entries(signal.usage)) {
        if (key === 'model') expect(typeof value).toBe('string');
        else expect(Number(value)).toBeGreaterThanOrEqual(0);
      }
    }
  }
}

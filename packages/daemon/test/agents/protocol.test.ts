import { expect, it } from 'vitest';
import { parseJson } from '../../src/agents/parseJson.js';
import { parseProtocolLine } from '../../src/agents/parseProtocolLine.js';

it.each([
  [
    '::neolith {"progress": 40, "message": "halfway"}',
    [{ kind: 'progress', percent: 40, message: 'halfway' }],
  ],
  ['::neolith {"progress": 0}', [{ kind: 'progress', percent: 0 }]],
  ['::neolith {"message": "hello"}', [{ kind: 'message', message: 'hello' }]],
  [
    '::neolith {"artifact": {"type": "file", "content": "…"}}',
    [{ kind: 'artifact', artifact: { type: 'file', content: '…' } }],
  ],
  ['::neolith {"output": {"files": 3}}', [{ kind: 'result', output: { files: 3 } }]],
  ['::neolith {"output": null}', [{ kind: 'result', output: null }]],
  [
    '::neolith {"blocked": "why", "question": "which?"}',
    [{ kind: 'blocked', reason: 'why', question: 'which?' }],
  ],
  ['::neolith {"metadata": {"model": "x"}}', [{ kind: 'metadata', metadata: { model: 'x' } }]],
  [
    '::neolith {"usage": {"inputTokens": 12, "costUsd": 0.5, "of": "mine"}}',
    [{ kind: 'usage', usage: { inputTokens: 12, costUsd: 0.5 } }],
  ],
  [
    '::neolith {"progress": 100, "output": "done"}',
    [
      { kind: 'progress', percent: 100 },
      { kind: 'result', output: 'done' },
    ],
  ],
  ['progress: 40% halfway there', [{ kind: 'progress', percent: 40, message: 'halfway there' }]],
  ['Progress: 99.5 %', [{ kind: 'progress', percent: 99.5 }]],
])('understands %s', (line, signals) => {
  expect(parseProtocolLine(line)).toEqual({ signals });
});

it.each([
  '',
  'plain log',
  ' ::neolith {"progress": 1}',
  '::neolith',
  'progress: 101% too far',
  'progress: soon',
  'my progress: 5%',
])('takes %j for log', (line) => {
  expect(parseProtocolLine(line)).toBeNull();
});

it.each([
  ['::neolith ', /not JSON/],
  ['::neolith {"progress": 40', /not JSON/],
  ['::neolith [1]', /must be a JSON object/],
  ['::neolith {}', /says nothing/],
  ['::neolith {"progress": 101}', /"progress" must be a number from 0 to 100/],
  ['::neolith {"progress": "40"}', /"progress"/],
  ['::neolith {"progress": 1e999}', /too large/],
  ['::neolith {"blocked": ""}', /"blocked"/],
  ['::neolith {"question": "alone"}', /come with "blocked"/],
  ['::neolith {"artifact": "x"}', /"artifact"/],
  ['::neolith {"metadata": []}', /"metadata"/],
  ['::neolith {"usage": {"outputTokens": -1}}', /"usage"/],
  ['::neolith {"ouput": 1}', /unknown key "ouput"/],
  ['::neolith {"output": {"__proto__": {"x": 1}}}', /__proto__/],
  [`::neolith {"output": ${'['.repeat(50_000)}${']'.repeat(50_000)}}`, /nested deeper/],
])('warns about %.60s and says why', (line, why) => {
  const parsed = parseProtocolLine(line);
  expect(parsed?.signals).toEqual([]);
  expect(parsed?.warning).toMatch(why);
});

it('uses what it understood of a line and warns about the rest', () => {
  expect(parseProtocolLine('::neolith {"progress": 200, "message": "m", "colour": 1}')).toEqual({
    signals: [{ kind: 'message', message: 'm' }],
    warning: expect.stringMatching(/"progress".*unknown key "colour"/),
  });
});

it('cuts messages that the server would refuse', () => {
  const parsed = parseProtocolLine(JSON.stringify({ message: 'x'.repeat(5_000) }).replace(/^/, '::neolith '));
  expect(parsed?.signals[0]).toMatchObject({ kind: 'message', message: expect.stringMatching(/^x{1999}…$/) });
});

it('does not let JSON change the prototype of what is made from it', () => {
  expect(parseJson('{"a": [{"__proto__": 1}]}')).toMatchObject({ ok: false });
  expect(parseJson('{"a": [{"constructor": 1}]}')).toMatchObject({ ok: true });
});

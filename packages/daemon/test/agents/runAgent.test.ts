import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import type { AgentAdapter, AgentCommand, AgentUsage, LineReader } from '../../src/agents/agentAdapter.js';
import { judgeEnding } from '../../src/agents/judgeEnding.js';
import { makeFolder, runAttempt } from './support/runInWorktree.js';

let root: string;

beforeEach(() => {
  root = makeFolder();
});

/** An agent made for one test: a Node program, and how its lines are read. */
function run(code: string, createLineReader?: () => LineReader, more: Partial<AgentCommand> = {}) {
  const adapter: AgentAdapter = {
    name: 'made',
    detect: async () => ({ found: true }),
    start: async () => ({
      command: process.execPath,
      args: ['-e', code],
      environment: {},
      input: '',
      lingerAfterResultMs: null,
      ...more,
    }),
    ...(createLineReader === undefined ? {} : { createLineReader }),
    result: judgeEnding,
  };
  return runAttempt(adapter, { root, directory: root });
}

it('gives each attempt a reader of its own, which may remember', async () => {
  const createReader = (): LineReader => {
    let turns = 0;
    return () => {
      turns += 1;
      return { signals: [{ kind: 'usage', usage: { turns } }] };
    };
  };
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const { report } = await run(`console.log('a'); console.log('b')`, createReader);
    expect(report.usage).toEqual({ turns: 2 });
  }
});

it('merges what was used up field by field, and keeps it where the agent fails', async () => {
  const usages: AgentUsage[] = [{ inputTokens: 1, model: 'm' }, { inputTokens: 5 }, { costUsd: 0.1 }];
  const { report } = await run(`console.log('1\\n2\\n3'); process.exitCode = 1`, () => () => {
    const usage = usages.shift();
    return usage === undefined ? null : { signals: [{ kind: 'usage', usage }] };
  });
  expect(report.usage).toEqual({ inputTokens: 5, model: 'm', costUsd: 0.1 });
  expect(report.verdict.status).toBe('failed');
  expect((await run('')).report.usage).toBeNull();
});

it('loses neither the line nor the attempt to a reader that throws', async () => {
  const { report, log } = await run(`console.log('one'); console.log('two')`, () => ({ text }) => {
    if (text === 'one') throw new Error('a fault of ours');
    return { signals: [{ kind: 'result', output: text }] };
  });
  expect(report.verdict).toEqual({ status: 'completed', output: 'two' });
  expect(log).toEqual(['stdout: one']);
  expect(report.warnings).toEqual([expect.stringMatching(/a fault of ours/)]);
});

it('logs in the place of a line what the reader makes of it, line by line, cleaned', async () => {
  const { log } = await run(
    `console.log('raw')`,
    () => () => ({ signals: [], log: 'the key is hunter2-secret\nsecond\u0000' }),
    { secrets: ['hunter2-secret'] },
  );
  expect(log).toEqual(['stdout: the key is [redacted]', 'stdout: second']);
});

it('reads what was used up from a file, in place of what was told', async () => {
  const path = join(root, 'usage.json');
  const usageFile = {
    path,
    read: (content: unknown) => ({ outputTokens: (content as { tokens: number }).tokens }),
  };
  const reader = (): LineReader => () => ({
    signals: [{ kind: 'usage', usage: { outputTokens: 1, turns: 3 } }],
  });
  const code = `console.log('x'); require('fs').writeFileSync(${JSON.stringify(path)}, '{"tokens": 9}')`;
  expect((await run(code, reader, { usageFile })).report.usage).toEqual({ outputTokens: 9, turns: 3 });
  expect((await run(code.replace('"tokens"', 'tokens'), reader, { usageFile })).report.usage).toEqual({
    outputTokens: 1,
    turns: 3,
  });
});

it('takes lines as long as the command asks for', async () => {
  const long = `console.log('{"a":"' + 'x'.repeat(600_000) + '"}')`;
  const seen: boolean[] = [];
  const reader =
    (): LineReader =>
    ({ cut }) => {
      seen.push(cut);
      return { signals: [] };
    };
  await run(long, reader);
  await run(long, reader, { lineLimitBytes: 1024 * 1024 });
  expect(seen).toEqual([true, false]);
});

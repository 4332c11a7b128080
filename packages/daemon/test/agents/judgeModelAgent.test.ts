import { expect, it } from 'vitest';
import type { AgentEnding, AgentFault } from '../../src/agents/agentAdapter.js';
import { judgeModelAgent } from '../../src/agents/judgeModelAgent.js';

const FAULT: AgentFault = {
  failureClass: 'provider',
  code: 'RATE_LIMITED',
  message: 'Too many.',
  resetAt: '2026-11-21T11:00:00.000Z',
};

const text = (words: string) => ({ text: words, totalBytes: words.length, droppedBytes: 0 });

function end(ending: Partial<AgentEnding>, outcome: object = { kind: 'exited', code: 0 }, stderr = '') {
  const record = { pid: 1, stdout: text(''), stderr: text(stderr), startedAt: new Date(), durationMs: 1 };
  const whole = { ...record, endedDescendants: 0, survivors: [], problem: null, ...outcome };
  return judgeModelAgent(
    { outcome: whole as unknown as AgentEnding['outcome'], plainOutput: text(''), ...ending },
    (message) => (message.includes('too many requests') ? FAULT : null),
  );
}

const failed = { kind: 'exited', code: 1 };

it('takes a result for done, whatever was refused on the way', () => {
  expect(end({ output: 'done', fault: FAULT })).toEqual({ status: 'completed', output: 'done' });
  expect(end({ fileOutput: 1, fault: FAULT })).toEqual({ status: 'completed', output: 1 });
  expect(end({})).toEqual({ status: 'completed', output: null });
});

it('takes a fault and nothing else for a failure, even of exit code 0', () => {
  expect(end({ fault: FAULT })).toMatchObject({ status: 'failed', code: 'RATE_LIMITED', exitCode: 0 });
});

it('blames a failure on the fault that was told, or that its last words tell', () => {
  const expected = {
    status: 'failed',
    failureClass: 'provider',
    code: 'RATE_LIMITED',
    error: 'Too many.',
    exitCode: 1,
    resetAt: FAULT.resetAt,
  };
  expect(end({ output: 'early', fault: FAULT }, failed)).toEqual(expected);
  expect(end({}, failed, 'Error: too many requests')).toEqual(expected);
  expect(end({ plainOutput: text('too many requests') }, failed)).toEqual(expected);
});

it('blames any other failure on the agent', () => {
  expect(end({}, failed, 'TypeError: x')).toMatchObject({
    failureClass: 'agent',
    code: 'EXIT_CODE',
    error: expect.stringContaining('TypeError'),
  });
  expect(end({ fault: FAULT }, { kind: 'signalled', signal: 'SIGSEGV' })).toMatchObject({
    failureClass: 'agent',
    code: 'SIGNALLED',
  });
  expect(end({ fault: FAULT }, { kind: 'exited', code: 137 })).toMatchObject({
    failureClass: 'agent',
    code: 'OUT_OF_MEMORY',
  });
});

it('leaves what we ended, and what never started, as it is', () => {
  expect(end({ fault: FAULT }, { kind: 'terminated', reason: 'cancelled' })).toMatchObject({
    status: 'terminated',
  });
  expect(end({ fault: FAULT }, { kind: 'timed_out', timeoutMs: 5 })).toMatchObject({ status: 'timed_out' });
  expect(end({ fault: FAULT }, { kind: 'spawn_failed', code: 'ENOENT', message: 'no' })).toMatchObject({
    failureClass: 'infrastructure',
    code: 'SPAWN_FAILED',
  });
  expect(end({ blocked: { reason: 'why' }, fault: FAULT })).toEqual({ status: 'blocked', reason: 'why' });
});

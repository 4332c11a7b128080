import { hostname } from 'node:os';
import type { ControlMessage } from '@neolith/contracts';
import { NeolithError } from '@neolith/contracts';
import { expect, it } from 'vitest';
import type { AgentRunReport } from '../../src/agents/runAgent.js';
import { callUntilAnswered } from '../../src/worker/callUntilAnswered.js';
import { followControlStream } from '../../src/worker/controlStream.js';
import { describeFault, describeOutcome, describeRefusedResult } from '../../src/worker/describeOutcome.js';
import { createLog } from '../../src/worker/log.js';
import { createProgressReporter, type ProgressReport } from '../../src/worker/progressReporter.js';
import { withOwnSignal } from '../../src/worker/withOwnSignal.js';

const facts = { attemptId: 'att_1', agent: 'shell', cancelRequested: false };
const captured = {
  text: '',
  totalBytes: 0,
  droppedBytes: 0,
} as unknown as AgentRunReport['outcome']['stdout'];

function report(
  verdict: AgentRunReport['verdict'],
  ending: Partial<AgentRunReport['outcome']> = { kind: 'exited', code: 0 },
  overrides: Partial<AgentRunReport> = {},
): AgentRunReport {
  return {
    verdict,
    artifacts: [],
    warnings: [],
    usage: null,
    outcome: {
      pid: 1,
      stdout: captured,
      stderr: captured,
      startedAt: new Date('2026-11-20T10:00:00Z'),
      durationMs: 1_500.4,
      endedDescendants: 0,
      survivors: [],
      problem: null,
      ...ending,
    } as AgentRunReport['outcome'],
    ...overrides,
  };
}

it('tells a completed task with times, warnings and artifacts as text', () => {
  const outcome = describeOutcome(
    report({ status: 'completed', output: { a: 1 } }, undefined, {
      artifacts: [
        { type: ' ', content: [1] },
        { type: 'x'.repeat(200), content: '😀'.repeat(600_000) },
      ],
      warnings: ['a warning'],
    }),
    facts,
  );
  if (outcome.kind !== 'complete') throw new Error('not completed');
  const [first, second] = outcome.body.artifacts ?? [];
  expect(first).toEqual({ type: 'artifact', content: '[1]' });
  expect(second?.type).toHaveLength(100);
  expect(second?.content.length).toBeLessThanOrEqual(1_000_000);
  expect(second?.content.isWellFormed()).toBe(true);
  expect(outcome.body).toMatchObject({
    attemptId: 'att_1',
    status: 'completed',
    output: { a: 1 },
    metrics: {
      startedAt: '2026-11-20T10:00:00.000Z',
      completedAt: '2026-11-20T10:00:01.500Z',
      duration: 1_500,
      exitCode: 0,
      warnings: ['a warning'],
    },
  });
});

it('tells nothing of a task that is somebody else’s, and gives back what a shutdown ended', () => {
  const ended = (reason: 'lease_lost' | 'shutdown' | 'cancelled') =>
    report({ status: 'terminated', reason, error: 'x' }, { kind: 'terminated', reason });
  expect(describeOutcome(ended('lease_lost'), facts)).toEqual({ kind: 'drop' });
  expect(describeOutcome(ended('shutdown'), facts)).toEqual({ kind: 'release' });
  expect(describeOutcome(ended('shutdown'), { ...facts, cancelRequested: true })).toEqual({
    kind: 'cancelled',
  });
  expect(describeOutcome(ended('cancelled'), { ...facts, cancelRequested: true })).toEqual({
    kind: 'cancelled',
  });
});

it('lets work that was done before the cancel reached it count, and cancels what failed meanwhile', () => {
  const cancelling = { ...facts, cancelRequested: true };
  const failed = { status: 'failed', failureClass: 'task', code: 'EXIT_CODE', error: 'x' } as const;
  expect(describeOutcome(report({ status: 'completed', output: null }), cancelling).kind).toBe('complete');
  expect(describeOutcome(report(failed), cancelling)).toEqual({ kind: 'cancelled' });
});

it('says whose fault it was', () => {
  const timedOut = describeOutcome(
    report(
      { status: 'timed_out', error: 'too long' },
      { kind: 'timed_out', timeoutMs: 1, endedDescendants: 2 },
    ),
    facts,
  );
  expect(timedOut).toMatchObject({
    body: { status: 'failed', failureClass: 'agent', timedOut: true, metrics: { endedDescendants: 2 } },
  });
  const spawn = {
    status: 'failed',
    failureClass: 'infrastructure',
    code: 'SPAWN_FAILED',
    error: 'x',
  } as const;
  expect(describeOutcome(report(spawn), facts)).toMatchObject({ body: { failureClass: 'infrastructure' } });
  const clean = (text: string) => text.replace('secret', '…');
  expect(describeFault('odd secret', { ...facts, clean })).toMatchObject({
    failureClass: 'infrastructure',
    error: 'odd …',
  });
  expect(describeRefusedResult('y'.repeat(200_000), facts).error?.length).toBe(100_000);
  const blocked = describeOutcome(
    report({ status: 'blocked', reason: 'r', question: 'q'.repeat(3_000) }),
    facts,
  );
  expect(blocked).toMatchObject({ body: { status: 'blocked', error: 'r' } });
});

it('writes one line an event, cleaned and without secrets, as JSON or for people', () => {
  const lines: string[] = [];
  const now = () => new Date('2026-11-20T10:11:12Z');
  const secrets = ['correct-horse'];
  const json = createLog({ form: 'json', write: (line) => lines.push(line), secrets, now });
  json.debug('not shown');
  json.info('a\u001b[31m correct-horse', { taskId: 'task_1', count: 3, absent: undefined });
  expect(JSON.parse(lines[0] ?? '')).toEqual({
    time: '2026-11-20T10:11:12.000Z',
    level: 'info',
    message: 'a [redacted]',
    taskId: 'task_1',
    count: 3,
    name: 'neolith-daemon',
    pid: process.pid,
    hostname: hostname(),
  });
  const pretty = createLog({
    form: 'pretty',
    level: 'debug',
    write: (line) => lines.push(line),
    secrets,
    now,
  });
  pretty.warn('two\nlines', { error: 'with correct-horse', plain: 'word', yes: true });
  expect(lines[1]).toBe('10:11:12 warn  two ⏎ lines error="with [redacted]" plain=word yes=true\n');
  createLog({ form: 'pretty', colour: true, write: (line) => lines.push(line), now }).error('x');
  expect(lines[2]).toContain('\u001b[31merror\u001b[0m');
  expect(lines).toHaveLength(3);
});

it('sends the first report at once, then the latest of what came, with all metadata', async () => {
  const sent: ProgressReport[] = [];
  const gates: (() => void)[] = [];
  const reporter = createProgressReporter((one) => {
    sent.push(one);
    return new Promise((resolve) => gates.push(resolve));
  }, 5);
  reporter.note({ kind: 'result', output: 1 });
  reporter.note({ kind: 'progress', percent: 1 });
  await expect.poll(() => sent.length).toBe(1);
  reporter.note({ kind: 'progress', percent: 2, message: 'two' });
  reporter.note({ kind: 'metadata', metadata: { a: 1 } });
  reporter.note({ kind: 'metadata', metadata: { b: 2 } });
  reporter.note({ kind: 'progress', percent: 3 });
  const finished = reporter.finish();
  reporter.note({ kind: 'progress', percent: 99 });
  expect(sent).toHaveLength(1);
  gates[0]?.();
  await expect.poll(() => sent.length).toBe(2);
  gates[1]?.();
  await finished;
  expect(sent).toEqual([{ progress: 1 }, { progress: 3, message: 'two', metadata: { a: 1, b: 2 } }]);
});

it('sends nothing more once it was told to forget', async () => {
  const sent: ProgressReport[] = [];
  const reporter = createProgressReporter(async (one) => void sent.push(one), 5);
  reporter.note({ kind: 'message', message: 'm' });
  reporter.discard();
  await reporter.finish();
  expect(sent).toEqual([]);
});

it('gives up a call that the server fails at every time, and one whose signal came', async () => {
  let tries = 0;
  const signal = new AbortController();
  const failing = callUntilAnswered(
    () => {
      tries += 1;
      return Promise.reject(new NeolithError('INTERNAL', 'x'));
    },
    { signal: signal.signal, random: () => 0 },
  );
  await expect(failing).rejects.toMatchObject({ code: 'INTERNAL' });
  expect(tries).toBe(8);
  const away = callUntilAnswered(() => Promise.reject(new NeolithError('SERVER_UNREACHABLE', 'x')), {
    signal: signal.signal,
    onRetry: () => signal.abort(new Error('enough')),
  });
  await expect(away).rejects.toThrow();
  await expect(withOwnSignal(signal.signal, () => Promise.resolve(1))).rejects.toThrow('enough');
});

it('passes control messages on, ignores what it does not know, and reopens a stream that ended or fell silent', async () => {
  const messages: ControlMessage[] = [];
  const lost: unknown[] = [];
  const end = new AbortController();
  let opened = 0;
  const frames = [
    'data: {"type":"cancel","attemptId":"att_1","taskId":"task_1","reason":null}\n\ndata: {"type":"later"}\n\ndata: {\n\n',
    null,
    'data: {"type":"drain"}\n\n',
  ];
  const following = followControlStream({
    client: {
      open: async (_name, input) => {
        const frame = frames[opened];
        opened += 1;
        return new Response(
          new ReadableStream({
            start(controller) {
              input.signal?.addEventListener('abort', () => controller.error(input.signal?.reason));
              if (frame === null) return;
              controller.enqueue(new TextEncoder().encode(frame));
              if (opened === 1) controller.close();
            },
          }),
        );
      },
    },
    daemonId: () => 'daemon_1',
    signal: end.signal,
    silenceMs: 50,
    random: () => 0,
    onMessage: (message) => {
      messages.push(message);
      if (message.type === 'drain') end.abort();
    },
    onLost: (error) => lost.push(error),
  });
  await following;
  expect(messages.map(({ type }) => type)).toEqual(['cancel', 'drain']);
  expect(opened).toBe(3);
  expect(lost[0]).toBeNull();
  expect(String(lost[1])).toContain('silent for too long');
});

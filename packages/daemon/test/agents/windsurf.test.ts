import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import type { JsonValue } from '../../src/agents/agentAdapter.js';
import { createAgent } from '../../src/agents/registry.js';
import { makeFolder, runAttempt } from './support/runInWorktree.js';

let root: string;

beforeEach(() => {
  root = makeFolder();
});

function windsurf() {
  return createAgent('windsurf', { hostEnvironment: {}, baseDirectory: root }, {});
}

const attempt = (context: JsonValue, prompt = 'Make it nice.') =>
  runAttempt(windsurf(), { root, directory: join(root, 'worktree') }, { context, prompt });

it('leaves the prompt in a file that outlives the attempt, and asks the person', async () => {
  const { report, run } = await attempt({ task: { id: 'task_1', answer: null }, previousAttempts: [] });
  const file = join(root, '.neolith', 'prompts', 'task_1.md');
  expect(report.verdict).toEqual({
    status: 'blocked',
    reason: expect.stringContaining(file),
    question: expect.stringContaining(join(root, 'worktree')),
  });
  expect(readFileSync(file, 'utf8')).toBe('Make it nice.');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(report.outcome).toMatchObject({ kind: 'not_run', pid: null, survivors: [] });
  expect(run.pid).toBeNull();
  expect(await run.terminate('cancelled')).toBe(report);
});

it("takes the answer as that person's word that it is done", async () => {
  const first = await attempt({ task: { id: 'task_1' }, previousAttempts: [] });
  const reason = (first.report.verdict as { reason: string }).reason;
  const { report } = await attempt({
    task: { id: 'task_1', answer: 'Done, merged as 4f2a9c1.' },
    previousAttempts: [{ number: 1, status: 'BLOCKED', error: reason }],
  });
  expect(report.verdict).toEqual({ status: 'completed', output: 'Done, merged as 4f2a9c1.' });
});

it('knows the answer also when the attempt that was to take it was lost', async () => {
  const first = await attempt({ task: { id: 'task_1' }, previousAttempts: [] });
  const { reason } = first.report.verdict as { reason: string };
  const before = [
    { number: 2, status: 'LOST', error: null },
    { number: 1, status: 'BLOCKED', error: reason },
  ];
  const { report } = await attempt({ task: { id: 'task_1', answer: 'Done.' }, previousAttempts: before });
  expect(report.verdict).toEqual({ status: 'completed', output: 'Done.' });
});

it('takes no answer where the work does not lie', async () => {
  const reason =
    'Handed to a person who works with Windsurf. The place to work is /work/a b on other.example. The task is in /x.md.';
  const before = [{ number: 1, status: 'BLOCKED', error: reason }];
  const { report } = await attempt({ task: { id: 'task_1', answer: 'Done.' }, previousAttempts: before });
  expect(report.verdict).toEqual({
    status: 'blocked',
    reason,
    question: expect.stringContaining('/work/a b on other.example'),
  });
  expect(report.outcome).toMatchObject({ kind: 'not_run', handedOff: false });
  const again = await attempt({ task: { id: 'task_1', answer: ' Again ' }, previousAttempts: before });
  expect(again.report.verdict).toMatchObject({
    status: 'blocked',
    reason: expect.stringContaining(join(root, 'worktree')),
  });
  expect(again.report.outcome).toMatchObject({ handedOff: true });
});

it.each([
  ['an empty answer', { task: { answer: '  ' }, previousAttempts: [{ status: 'BLOCKED', error: null }] }],
  [
    'an answer to another agent',
    { task: { answer: 'yes' }, previousAttempts: [{ status: 'BLOCKED', error: 'no schema' }] },
  ],
  ['an answer before any attempt', { task: { answer: 'yes' }, previousAttempts: [] }],
  [
    'a merge that failed since',
    { task: { answer: 'yes' }, previousAttempts: [{ status: 'FAILED', error: 'conflict' }] },
  ],
])('hands it off again after %s', async (_what, context) => {
  await attempt({ task: { id: 'task_1' } }, 'An older prompt.');
  expect((await attempt(context)).report.verdict.status).toBe('blocked');
  expect(readFileSync(join(root, '.neolith', 'prompts', 'task_1.md'), 'utf8')).toBe('Make it nice.');
});

it('lets no id lead elsewhere', async () => {
  await expect(
    runAttempt(windsurf(), { root, directory: root }, { taskId: '../../etc/x' }),
  ).rejects.toMatchObject({ code: 'ATTEMPT_DIRECTORY_UNUSABLE' });
});

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Attempt } from '@neolith/contracts';
import { afterEach, beforeAll, beforeEach, expect, it, type TestContext } from 'vitest';
import { CLAUDE_CHECKED } from '../../src/agents/claude.js';
import { FETCH_TIMEOUT_MS, fetchAgent, requireAgent } from '../agents/support/fetchAgent.js';
import {
  type MessagesServer,
  type ScriptedRefusal,
  startMessagesServer,
} from '../agents/support/messagesServer.js';
import { isAlive } from '../process/processes.js';
import { git } from '../worker/support/repository.js';
import { openWorkplace, readPidFile, until } from '../worker/support/workplace.js';
import { type Executed, executePlan } from './support/executePlan.js';
import { createClaude, KEY } from './support/scriptedAgents.js';

const work = openWorkplace();
let provider: MessagesServer;
let executed: Executed | null = null;

beforeAll(() => fetchAgent(CLAUDE_CHECKED), FETCH_TIMEOUT_MS);

beforeEach(async () => {
  provider = await startMessagesServer();
});

afterEach(async () => {
  await executed?.coordinator.cancelAll();
  executed = null;
  await provider.close();
  // Also where a test failed.
  for (const pid of readPidFile(work.path('pids')).filter(isAlive)) process.kill(pid, 'SIGKILL');
});

/** One task, done by Claude Code; `more` is of the plan. */
async function begin(
  test: TestContext,
  more = '',
  taskTimeoutMs?: number,
): Promise<Executed & { id: string }> {
  const command = await requireAgent(CLAUDE_CHECKED, test);
  executed = await executePlan(work, {
    plan: `version: 1\nname: One task\ntasks:\n  - { id: one, title: Greet better${more} }\n`,
    files: { 'greeting.txt': 'Hello\n' },
    options: {
      agent: createClaude(command, work.directory, provider),
      ...(taskTimeoutMs === undefined ? {} : { taskTimeoutMs }),
    },
  });
  const { tasks } = await work.client().getRunSnapshot({ params: { id: executed.run.id } });
  return { ...executed, id: tasks[0]?.id ?? '' };
}

/** The first attempt of a task, once it has ended, as the API tells it. */
async function untilEnded(id: string): Promise<Attempt> {
  let first: Attempt | undefined;
  await until(
    async () => {
      const { attempts } = await work.client().getTask({ params: { id } });
      first = attempts.find(({ number }) => number === 1);
      return first !== undefined && first.status !== 'RUNNING';
    },
    () => `the attempt to end; it is ${first?.status}`,
  );
  return first as Attempt;
}

it.for<[string, ScriptedRefusal, string, RegExp]>([
  [
    'a key that is refused',
    { status: 401, type: 'authentication_error', message: 'invalid x-api-key' },
    'NOT_LOGGED_IN',
    /ANTHROPIC_API_KEY/,
  ],
  [
    'a quota that is used up',
    {
      status: 429,
      type: 'rate_limit_error',
      message: 'You have reached your specified API usage limits. You will regain access tomorrow.',
      headers: { 'x-should-retry': 'false' },
    },
    'QUOTA_EXCEEDED',
    /usage limits/,
  ],
])(
  'tells the server that the provider is at fault for %s, and the task keeps its tries',
  async ([, refusal, code, words], test) => {
    provider.refuse = () => refusal;
    const { id, repository, target, log } = await begin(test);
    const attempt = await untilEnded(id);
    expect(attempt).toMatchObject({
      status: 'FAILED',
      agent: 'claude',
      failureClass: 'provider',
      error: expect.stringMatching(words),
      metrics: { code },
    });
    const task = await work.client().getTask({ params: { id } });
    expect(task).toMatchObject({ status: 'TODO', failureCount: 0 });
    expect(git(repository.path, 'log', '--format=%s', target)).toBe('Begin');
    expect(JSON.stringify([task, log()])).not.toContain(KEY);
  },
);

/** It has its agent start a command that would go on for ever, with a child that leaves its process group. */
function scriptEndlessCommand(pids: string): void {
  const leave = `const child = require("node:child_process").spawn("sleep", ["1000"], { detached: true, stdio: "ignore" });
    require("node:fs").appendFileSync("${pids}", child.pid + "\\n"); child.unref();`;
  const command = `${process.execPath} -e '${leave}'; echo half > half.txt; echo $$ >> ${pids}; exec sleep 1000`;
  provider.rounds = [
    {
      text: 'Beginning.',
      tools: [{ name: 'Bash', input: { command, description: 'Wait' } }],
      usage: { input: 100, output: 20 },
    },
  ];
}

/** Of the agent, and of what it started. */
function pidsOf({ coordinator }: Executed, id: string, pids: string): number[] {
  return [coordinator.records().get(id)?.pid ?? 0, ...readPidFile(pids)];
}

it('ends an agent that takes too long, with all it started, and says what it had used up', async (test) => {
  const pids = work.path('pids');
  scriptEndlessCommand(pids);
  const begun = await begin(test, ', maxAttempts: 1', 15_000);
  const attempt = await untilEnded(begun.id);
  expect(attempt).toMatchObject({ status: 'TIMED_OUT', failureClass: 'agent', usage: { inputTokens: 100 } });
  expect(attempt.error).toMatch(/15 s/);
  const started = pidsOf(begun, begun.id, pids);
  expect(started).toHaveLength(3);
  expect(started.filter((pid) => pid === 0 || isAlive(pid))).toEqual([]);
  const summary = await begun.coordinator.waitForCompletion(60_000);
  expect(summary.run.status).toBe('FAILED');
  await expectKept(begun, summary.keptBranches);
});

it('ends an agent whose task is cancelled, with all it started, before the task says that it is', async (test) => {
  const pids = work.path('pids');
  scriptEndlessCommand(pids);
  const begun = await begin(test);
  await until(() => readPidFile(pids).length === 2, 'its command to run');
  const started = pidsOf(begun, begun.id, pids);
  expect(started.map(isAlive)).toEqual([true, true, true]);
  await work.client().cancelTask({ params: { id: begun.id }, body: { reason: 'Not wanted any more' } });
  const attempt = await untilEnded(begun.id);
  expect(started.filter(isAlive)).toEqual([]);
  expect(attempt).toMatchObject({ status: 'CANCELLED' });
  expect((await work.client().getTask({ params: { id: begun.id } })).status).toBe('CANCELLED');
  const summary = await begun.coordinator.waitForCompletion(60_000);
  await expectKept(begun, summary.keptBranches);
});

/** What it had begun is in no target, and lost neither. */
async function expectKept({ repository, target }: Executed, branches: readonly string[]): Promise<void> {
  expect(git(repository.path, 'log', '--format=%s', target)).toBe('Begin');
  expect(branches).toHaveLength(1);
  const [branch = ''] = branches;
  const worktree = join(repository.worktreesDirectory, branch.split('/').at(-1) ?? '');
  const inBranch = git(repository.path, 'ls-tree', '--name-only', branch).includes('half.txt');
  const inWorktree =
    existsSync(join(worktree, 'half.txt')) && readFileSync(join(worktree, 'half.txt')).length > 0;
  expect(inBranch || inWorktree).toBe(true);
}

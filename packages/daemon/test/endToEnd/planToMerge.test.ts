import { readdir } from 'node:fs/promises';
import type { Attempt, NeolithClient, UsageSum } from '@neolith/contracts';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { FETCH_TIMEOUT_MS, fetchAgent, requireAgent } from '../agents/support/fetchAgent.js';
import { isAlive } from '../process/processes.js';
import { git } from '../worker/support/repository.js';
import { openWorkplace, until } from '../worker/support/workplace.js';
import { executePlan } from './support/executePlan.js';
import {
  KEY,
  type Round,
  SCRIPTED_COMMANDS,
  type Script,
  type ScriptedAgent,
  USAGE_PER_CALL,
} from './support/scriptedAgents.js';

const work = openWorkplace();
const agents: ScriptedAgent[] = [];

beforeAll(async () => {
  for (const { checked } of SCRIPTED_COMMANDS) await fetchAgent(checked);
}, FETCH_TIMEOUT_MS);

afterEach(() => Promise.all(agents.splice(0).map((agent) => agent.close())));

// Titles are told to the agents of other tasks, too; descriptions are not.
const PLAN = `
version: 1
name: Greetings
tasks:
  - { id: greet, title: Greet better, description: Work alpha }
  - { id: part, title: Say goodbye, description: Work beta }
  - { id: join, title: Bring both together, description: Work gamma, dependsOn: [greet, part] }
`;

const ROUNDS: Readonly<Record<'alpha' | 'beta' | 'gamma', readonly Round[]>> = {
  alpha: [
    [{ read: 'greeting.txt' }],
    [{ edit: 'greeting.txt', from: 'Old greeting', to: 'Good morning' }],
    'The greeting is friendlier now.',
  ],
  beta: [[{ write: 'src/goodbye.txt', content: 'Goodbye\n' }], 'There is a goodbye.'],
  gamma: [
    [{ read: 'greeting.txt' }, { read: 'src/goodbye.txt' }],
    [{ run: 'cat greeting.txt src/goodbye.txt > joined.txt' }],
    'Both are joined.',
  ],
};

const script: Script = ({ text, place }) => {
  const name = (['alpha', 'beta', 'gamma'] as const).find((word) => text.includes(`Work ${word}`));
  if (name === undefined) throw new Error('The prompt holds none of the descriptions.');
  return ROUNDS[name][place] ?? 'There was nothing more to do.';
};

it.for(SCRIPTED_COMMANDS)(
  '$name does a plan to merged files, each task upon those before it, and what it used up can be read',
  { timeout: 240_000 },
  async ({ name, checked, tellsCost, start }, test) => {
    const command = await requireAgent(checked, test);
    const agent = await start(command, work.directory, script);
    agents.push(agent);
    const client = work.client();
    const { coordinator, repository, orchestratorId, run, target, log } = await executePlan(work, {
      plan: PLAN,
      files: { 'greeting.txt': 'Old greeting\n', 'README.md': 'A project\n' },
      options: { agent: agent.adapter },
    });
    const summary = await coordinator.waitForCompletion(200_000);
    expect(summary.tasks.map(({ title, status }) => [title, status])).toEqual([
      ['Greet better', 'DONE'],
      ['Say goodbye', 'DONE'],
      ['Bring both together', 'DONE'],
    ]);
    expect(summary.run.status).toBe('SUCCEEDED');

    // What was edited, written and made by a command is merged, and nothing else is.
    const show = (file: string) => git(repository.path, 'show', `${target}:${file}`);
    expect(git(repository.path, 'ls-tree', '-r', '--name-only', target).split('\n')).toEqual([
      'README.md',
      'greeting.txt',
      'joined.txt',
      'src/goodbye.txt',
    ]);
    expect(show('greeting.txt')).toBe('Good morning');
    expect(show('joined.txt')).toBe('Good morning\nGoodbye');

    // Each commit says whose it is.
    const tasks = await Promise.all(summary.tasks.map(({ id }) => client.getTask({ params: { id } })));
    const [greet, part, join] = tasks.map(({ id, attempts }) => {
      expect(attempts.map(({ error }) => error)).toEqual([null]);
      return { id, attempt: attempts[0] as Attempt };
    }) as [Tried, Tried, Tried];
    const trailers = git(
      repository.path,
      'log',
      '--reverse',
      '--format=%(trailers:key=Neolith-Task,key=Neolith-Attempt,key=Neolith-Run,key=Neolith-Agent,valueonly,separator=%x20)',
      `main..${target}`,
    ).split('\n');
    const trailersOf = ({ id, attempt }: Tried) => `${id} ${attempt.id} ${run.id} ${name}`;
    expect(trailers.slice(0, 2).sort()).toEqual([trailersOf(greet), trailersOf(part)].sort());
    expect(trailers.slice(2)).toEqual([trailersOf(join)]);

    // The last one began when both were merged, and its model was told what they had done.
    for (const { id } of [greet, part]) {
      const completed = (await work.events(id)).find(({ type }) => type === 'task.completed');
      expect(join.attempt.claimedAt.getTime()).toBeGreaterThanOrEqual(completed?.at.getTime() ?? Number.NaN);
    }
    const told = agent.calls().filter((text) => text.includes('Work gamma'));
    const holds = (text: string | undefined, words: string) => text?.includes(words);
    expect(holds(told[0], 'The greeting is friendlier now.')).toBe(true);
    expect(holds(told[0], 'There is a goodbye.')).toBe(true);
    // It had read their files, not those of the beginning.
    expect(holds(told.at(-1), 'Good morning')).toBe(true);
    expect(holds(told.at(-1), 'Goodbye')).toBe(true);
    expect(holds(told.at(-1), 'Old greeting')).toBe(false);

    await expectUsage(client, { tried: [greet, part, join], name, tellsCost, run, orchestratorId });
    await expectLog(client, greet.attempt, 'The greeting is friendlier now.');

    // Nothing is left: no worktree, no process, no change to the user's own checkout, no secret.
    await until(
      async () =>
        (await readdir(repository.worktreesDirectory)).filter((entry) => entry.startsWith('att_')).length ===
        0,
      'the worktrees to be gone',
    );
    expect(git(repository.path, 'worktree', 'list', '--porcelain').match(/^worktree /gm)).toHaveLength(1);
    expect(git(repository.path, 'status', '--porcelain')).toBe('');
    expect(git(repository.path, 'rev-parse', '--abbrev-ref', 'HEAD')).toBe('main');
    const pids = [...coordinator.records().values()].map(({ pid }) => pid ?? 0);
    expect(pids.filter((pid) => pid === 0 || isAlive(pid))).toEqual([]);
    expect(JSON.stringify([tasks, log()])).not.toContain(KEY);
  },
);

interface Tried {
  readonly id: string;
  readonly attempt: Attempt;
}

/** On each attempt, in the run's totals and in the orchestrator's statistics. */
async function expectUsage(
  client: NeolithClient,
  {
    tried,
    name,
    tellsCost,
    run,
    orchestratorId,
  }: {
    readonly tried: readonly Tried[];
    readonly name: string;
    readonly tellsCost: boolean;
    readonly run: { readonly id: string };
    readonly orchestratorId: string;
  },
): Promise<void> {
  const calls = Object.values(ROUNDS).map((rounds) => rounds.length);
  let costUsd = 0;
  for (const [index, { attempt }] of tried.entries()) {
    const read = await client.getAttempt({ params: { id: attempt.id } });
    expect(read).toMatchObject({
      status: 'SUCCEEDED',
      agent: name,
      usage: {
        inputTokens: (calls[index] ?? 0) * USAGE_PER_CALL.input,
        outputTokens: (calls[index] ?? 0) * USAGE_PER_CALL.output,
      },
    });
    if (tellsCost) expect(read.usage?.costUsd).toBeGreaterThan(0);
    costUsd += read.usage?.costUsd ?? 0;
  }
  const all = calls.reduce((sum, count) => sum + count, 0);
  const sum: Partial<UsageSum> = {
    attempts: 3,
    inputTokens: all * USAGE_PER_CALL.input,
    outputTokens: all * USAGE_PER_CALL.output,
    costUsd: tellsCost ? expect.closeTo(costUsd, 6) : null,
  };
  expect((await client.getRunProgress({ params: { id: run.id } })).usage).toMatchObject(sum);
  expect((await client.getRunSnapshot({ params: { id: run.id } })).usage).toMatchObject(sum);
  const stats = await client.getOrchestratorStats({ params: { id: orchestratorId } });
  expect(stats).toMatchObject({ completed: 3, failed: 0, usage: sum });
}

async function expectLog(client: NeolithClient, { id }: Attempt, lastWords: string): Promise<void> {
  const page = await client.readAttemptLog({ params: { id } });
  const text = page.chunks.flatMap(({ entries }) => entries.map((entry) => entry.text)).join('\n');
  expect(text).toMatch(/→ .*greeting\.txt/);
  expect(text).toContain(lastWords);
  expect(text).not.toContain(KEY);
}

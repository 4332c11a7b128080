import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import {
  createCoordinator,
  createGitMerger,
  gitWorkplace,
  openRepository,
  type PlanReadResult,
  readPlan,
} from '../../src/index.js';
import { git, makeRepository } from '../worker/support/repository.js';
import { openWorkplace, until } from '../worker/support/workplace.js';

const work = openWorkplace();

function readYaml(text: string): NonNullable<PlanReadResult['plan']> {
  const { plan, problems } = readPlan({ fileName: 'plan.yaml', content: text });
  if (plan === null) throw new Error(JSON.stringify(problems));
  return plan;
}

/** Ten tasks that touch files of their own, two that write the same line; the last waits for all. */
const planOf = (name: string): string => `
version: 1
name: Twelve ${name}
tasks:
${Array.from({ length: 9 }, (_, n) => `  - { id: t${n}, title: Make file ${n} }`).join('\n')}
  - { id: left, title: Write left }
  - { id: right, title: Write right }
  - { id: last, title: Gather, dependsOn: [${Array.from({ length: 9 }, (_, n) => `t${n}`).join(', ')}, left, right] }
`;

/** By its title: makes a file, or writes the shared line; on a second try it writes below what is there. */
const AGENT = `
title=$(node -e 'process.stdout.write(JSON.parse(require("fs").readFileSync(process.env.NEOLITH_CONTEXT_FILE,"utf8")).task.title)')
case "$title" in
  "Make file "*) echo "$title" > "$(echo "$title" | tr " " _).txt" ;;
  Write*) if grep -q Write shared.txt; then echo "$title" >> shared.txt; else echo "$title" > shared.txt; fi; sleep 0.5 ;;
  Gather) set -- *; printf '%s\\n' "$@" > gathered.txt ;;
esac`;

async function conduct(strategy: 'rebase' | 'merge') {
  const repository = await openRepository({
    path: makeRepository(work.path('repository')),
    worktreesDirectory: work.path('worktrees'),
    environment: process.env,
  });
  await work.orchestrator({ maxConcurrentTasks: 4 });
  const coordinator = createCoordinator({
    client: work.client(),
    agent: work.agent(AGENT),
    attemptsDirectory: work.path('attempts'),
    workplace: gitWorkplace({ repository, targetBranch: null }),
    merger: createGitMerger({ repository, strategy, check: null }),
    maxConcurrent: 4,
    graceMs: 300,
  });
  const orchestrator = await work.orchestrator({ maxConcurrentTasks: 4 });
  const { run } = await coordinator.execute({
    plan: readYaml(planOf(strategy)),
    fallback: orchestrator.id,
    settings: { mergeStage: true, maxConcurrentTasks: 4 },
  });
  const summary = await coordinator.waitForCompletion(60_000);
  return { repository, run, summary, target: `neolith/run_${run.id.slice('run_'.length)}` };
}

test.each(['rebase', 'merge'] as const)(
  'twelve tasks by four agents, two of them in conflict: all is merged (%s), nothing is lost, no worktree is left',
  async (strategy) => {
    const { repository, summary, target } = await conduct(strategy);
    expect(summary.run.status).toBe('SUCCEEDED');
    expect(summary.tasks.map(({ status }) => status)).toEqual(Array(12).fill('DONE'));
    const files = git(repository.path, 'ls-tree', '-r', '--name-only', target).split('\n');
    expect(files).toHaveLength(11);
    const shared = git(repository.path, 'show', `${target}:shared.txt`).split('\n').sort();
    expect(shared).toEqual(['Write left', 'Write right']);
    // The last one saw what all others had made.
    expect(git(repository.path, 'show', `${target}:gathered.txt`).split('\n')).toHaveLength(10);
    // The second of the two was sent back by its conflict, and saw the first one's line.
    const writers = summary.tasks.filter(({ title }) => title.startsWith('Write'));
    expect(writers.map(({ record }) => record?.number).sort()).toEqual([1, 2]);
    const merges = git(repository.path, 'rev-list', '--merges', '--count', `main..${target}`);
    if (strategy === 'rebase') expect(merges).toBe('0');
    const trailers = git(
      repository.path,
      'log',
      '--format=%(trailers:key=Neolith-Task,valueonly)',
      `main..${target}`,
    );
    expect(new Set(trailers.split('\n').filter((line) => line !== '')).size).toBe(12);
    // The user's own checkout stands where it stood.
    expect(git(repository.path, 'status', '--porcelain')).toBe('');
    expect(git(repository.path, 'rev-parse', '--abbrev-ref', 'HEAD')).toBe('main');
    await until(
      async () =>
        (await readdir(repository.worktreesDirectory)).filter((name) => name.startsWith('att_')).length === 0,
      'the worktrees to be gone',
    );
    expect(git(repository.path, 'worktree', 'list', '--porcelain').match(/^worktree /gm)).toHaveLength(1);
  },
);

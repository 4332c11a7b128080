import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { adoptWorktree } from '../../src/git/adoptWorktree.js';
import { handOffWorktree, releaseWorktree, takeBackWorktree } from '../../src/git/attemptRecord.js';
import { applyCleanup, planCleanup } from '../../src/git/cleanup.js';
import { commitWork } from '../../src/git/commitWork.js';
import type { AttemptWorktree, Repository } from '../../src/git/repository.js';
import { beginAttempt, factsOf, makeWorkshop, merge, type Workshop } from './support/workshop.js';

/** What an agent, or a person, may do in a worktree. Each leaves content that is found nowhere else. */
const ACTIONS = [
  'change',
  'add',
  'addDeep',
  'ignore',
  'stage',
  'stageAndRevert',
  'commit',
  'commitAndRestoreTime',
  'detach',
  'otherBranch',
  'stepBack',
  'hideChange',
  'skipChange',
  'nest',
  'stash',
  'remove',
  'rebaseHalfway',
  'lock',
  'loseGit',
  'deleteDirectory',
  'finish',
  'merge',
  'mergeByCommit',
] as const;
type Action = (typeof ACTIONS)[number];

interface World {
  readonly shop: Workshop;
  readonly directory: string;
  readonly token: () => string;
  readonly git: (...args: string[]) => void;
  readonly finish: () => Promise<void>;
  readonly merge: (strategy: 'rebase' | 'merge') => Promise<void>;
}

/** What fails because of what was done before is no state of interest. */
function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // The worktree is then as the earlier actions left it.
  }
}

const DO: Record<Action, (world: World) => void | Promise<void>> = {
  change: ({ shop, directory, token }) => shop.write({ 'a.txt': `${token()}\n` }, directory),
  add: ({ shop, directory, token }) => shop.write({ [`new-${token()}.txt`]: token() }, directory),
  addDeep: ({ shop, directory, token }) => shop.write({ [`x/${token()}/y.txt`]: token() }, directory),
  ignore: ({ shop, directory }) => shop.write({ 'ignored/cache.txt': 'may go' }, directory),
  stage: ({ git }) => git('add', '--all'),
  stageAndRevert: ({ shop, directory, token, git }) => {
    shop.write({ 'a.txt': `${token()}\n` }, directory);
    git('add', 'a.txt');
    shop.write({ 'a.txt': 'a\n' }, directory);
  },
  commit: ({ shop, directory, token, git }) => {
    shop.write({ 'committed.txt': `${token()}\n` }, directory);
    git('add', '--all');
    git('commit', '--quiet', '--message=Own');
  },
  commitAndRestoreTime: ({ shop, directory, token, git }) => {
    shop.write({ 'b.txt': `${token()}\n` }, directory);
    git('commit', '--quiet', '--all', '--message=Own', '--date=2001-01-01T00:00:00Z');
  },
  detach: ({ git }) => git('checkout', '--quiet', '--detach'),
  otherBranch: ({ git, token }) => git('checkout', '--quiet', '-b', `own/${token()}`),
  stepBack: ({ git }) => git('checkout', '--quiet', '--detach', 'HEAD~1'),
  hideChange: ({ shop, directory, token, git }) => {
    git('update-index', '--assume-unchanged', 'b.txt');
    shop.write({ 'b.txt': `${token()}\n` }, directory);
  },
  skipChange: ({ shop, directory, token, git }) => {
    git('update-index', '--skip-worktree', 'sub/c.txt');
    shop.write({ 'sub/c.txt': `${token()}\n` }, directory);
  },
  nest: ({ shop, directory, token }) => {
    const nested = join(directory, 'sub');
    if (existsSync(join(nested, '.git'))) return;
    mkdirSync(nested, { recursive: true });
    shop.gitIn(nested, 'init', '--quiet');
    writeFileSync(join(nested, '.git', 'notes'), token());
  },
  stash: ({ git }) => git('stash', 'push', '--quiet', '--include-untracked'),
  remove: ({ directory }) => rmSync(join(directory, 'a.txt'), { force: true }),
  rebaseHalfway: ({ git }) => git('rebase', '--force-rebase', '--exec', 'false', 'HEAD~1'),
  lock: ({ git }) => git('worktree', 'lock', '.'),
  loseGit: ({ directory, shop }) => renameSync(join(directory, '.git'), join(shop.root, 'lost-git')),
  deleteDirectory: ({ directory }) => rmSync(directory, { recursive: true, force: true }),
  finish: (world) => world.finish(),
  merge: (world) => world.merge('rebase'),
  mergeByCommit: (world) => world.merge('merge'),
};

/** Which of the tokens are in a file of the worktree that is not ignored, in its index, or in a commit of it. */
function findTokens(world: World, branch: string, tokens: readonly string[]): Set<string> {
  const { directory, shop } = world;
  const texts: string[] = [];
  if (existsSync(directory)) {
    for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile() && !path.includes('/ignored/')) texts.push(path, readFileSync(path, 'utf8'));
    }
  }
  const run = (cwd: string, ...args: string[]) => {
    attempt(() => texts.push(shop.gitIn(cwd, ...args)));
  };
  // What is staged, and everything that a ref, or a HEAD of a worktree, leads to.
  if (existsSync(directory)) run(directory, 'diff', '--cached', 'HEAD');
  const admin = join(shop.path, '.git/worktrees/att_1');
  attempt(() =>
    texts.push(
      execFileSync('git', ['diff', '--cached', 'HEAD'], {
        cwd: shop.path,
        env: { ...shop.environment, GIT_DIR: admin },
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    ),
  );
  run(shop.path, 'log', '--all', '--patch', '--format=%H %D', '--full-history', '-m', '--root');
  if (existsSync(directory)) run(directory, 'log', '--patch', '--root', '-m', 'HEAD', branch);
  const all = texts.join('\n');
  return new Set(tokens.filter((token) => all.includes(token)));
}

/** To a person, and to the next attempt from them, where it can be. @returns the branch then. */
async function handOver(repository: Repository, { branch }: AttemptWorktree): Promise<string> {
  await handOffWorktree(repository, 'att_1');
  const adopted = await adoptWorktree(repository, { taskId: 'task_att_1', attemptId: 'att_2' });
  for (const attemptId of ['att_1', 'att_2']) await takeBackWorktree(repository, attemptId);
  return adopted?.branch ?? branch;
}

it('cleaning up never loses content, whatever was done in a worktree', async () => {
  let removed = 0;
  let kept = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(
          { weight: 3, arbitrary: fc.constantFrom(...ACTIONS) },
          { weight: 1, arbitrary: fc.constant('finish' as const) },
        ),
        { maxLength: 6 },
      ),
      fc.boolean(),
      fc.boolean(),
      async (actions, endMerged, handedOver) => {
        const shop = makeWorkshop({
          'a.txt': 'a\n',
          'b.txt': 'b\n',
          'sub/c.txt': 'c\n',
          '.gitignore': 'ignored/\n',
        });
        try {
          const repository = await shop.open();
          const worktree = await beginAttempt(repository, 'att_1');
          const tokens: string[] = [];
          const world: World = {
            shop,
            directory: worktree.directory,
            token: () => {
              const token = `token${tokens.length}q${Math.abs(tokens.length * 7919 + 13).toString(36)}z`;
              tokens.push(token);
              return token;
            },
            git: (...args) => attempt(() => shop.gitIn(worktree.directory, ...args)),
            finish: () => commitWork(repository, worktree, factsOf('att_1')).then(() => undefined),
            merge: async (strategy) => {
              await merge({ repository, strategy }, 'att_1');
            },
          };
          const sequence: readonly Action[] = endMerged ? [...actions, 'finish', 'merge'] : actions;
          for (const action of sequence) {
            try {
              await DO[action](world);
            } catch {
              // Refused, because of what was done before: a state like any other.
            }
          }
          const wasThere = existsSync(worktree.directory);
          const before = findTokens(world, worktree.branch, tokens);
          const branch = handedOver ? await handOver(repository, worktree) : worktree.branch;
          for (const attemptId of ['att_1', 'att_2']) await releaseWorktree(repository, attemptId);
          const plan = await planCleanup(repository, { activeAttemptIds: [] });
          const report = await applyCleanup(repository, plan);
          const after = findTokens(world, branch, tokens);
          expect([...before].filter((token) => !after.has(token))).toEqual([]);
          const isKept = report.kept.some((item) => item.path === worktree.directory);
          expect(existsSync(worktree.directory)).toBe(wasThere && isKept);
          removed += report.removed.length;
          kept += report.kept.length;
          expect(report.removed.length + report.kept.length).toBeGreaterThan(0);
        } finally {
          shop.remove();
        }
      },
    ),
    { numRuns: 60 },
  );
  // It would prove nothing if all were kept, or all removed.
  expect(removed).toBeGreaterThanOrEqual(10);
  expect(kept).toBeGreaterThanOrEqual(10);
});

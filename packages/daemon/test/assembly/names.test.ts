import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import { createCoordinator, createGitMerger, gitWorkplace } from '../../src/index.js';
import { readPlan } from '../../src/plans/index.js';
import { openAssembly, until } from './support/assembly.js';

const assembly = openAssembly();
const { work } = assembly;

/** Each would make the file `made` if anything took it for more than a word, or lead out of where it belongs. */
const attacks = (made: string): string[] => [
  `--upload-pack=touch ${made}`,
  `x;$(touch ${made})`,
  `\`touch ${made}\``,
  '../../etc',
  'refs/heads/main',
  'HEAD',
  'a\nNeolith-Attempt: att_forged\nNeolith-Task: task_forged',
  '__proto__',
];

/** Everything below, without what git and we keep. */
const list = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes('/.git/') && !path.includes('/node_modules/'))
    .sort();

const refs = () => assembly.shop.git('for-each-ref', '--format=%(refname)').split('\n');

it('titles, descriptions, tags, ids of a plan and names of orchestrators are words: no command, option, path or ref', async () => {
  const made = work.path('made-by-attack');
  const names = attacks(made);
  const content = JSON.stringify({
    version: 1,
    name: names[1],
    tasks: names.map((name, index) => ({
      id: `${index} ${name.replaceAll('\n', ' ')}`,
      title: name,
      description: names.join('\n'),
      tags: [name.replaceAll('\n', ' ').slice(0, 50)],
    })),
  });
  const { plan, problems } = readPlan({ fileName: 'plan.json', content });
  if (plan === null) throw new Error(JSON.stringify(problems));
  expect(plan.tasks).toHaveLength(names.length);
  const repository = await assembly.shop.open();
  const orchestrator = await work.orchestrator({ name: names[0] ?? '', role: names[1] ?? '' });
  const before = list(work.directory);
  const coordinator = createCoordinator({
    client: work.client(),
    agent: work.agent(
      assembly.agent(`
writeFileSync(task.id + '.txt', task.title);
writeFileSync('--upload-pack=touch ' + task.id, 'a name of an option');
writeFileSync('x;$(touch made-by-name)', 'a name of a command');
writeFileSync(':(top)' + task.id + '*', 'a name of a pattern');
console.log('a line for the log');
say({ output: task.title });
`),
    ),
    attemptsDirectory: work.path('attempts'),
    logsDirectory: work.path('logs'),
    // A name of a daemon names directories and files as well.
    name: '../escaped;$(x)',
    workplace: gitWorkplace({ repository, targetBranch: null }),
    merger: createGitMerger({ repository, strategy: 'rebase', check: null }),
    maxConcurrent: 4,
    graceMs: 300,
  });
  const { run } = await coordinator.execute({
    plan,
    fallback: orchestrator.id,
    settings: { mergeStage: true, maxConcurrentTasks: 4 },
  });
  const summary = await coordinator.waitForCompletion(60_000);
  expect(summary.tasks.map(({ status }) => status)).toEqual(names.map(() => 'DONE'));
  expect(existsSync(made)).toBe(false);
  // Only what we name ourselves, from ids.
  const target = `refs/heads/neolith/run_${run.id.slice('run_'.length)}`;
  expect(refs()).toEqual(['refs/heads/main', target]);
  expect(list(assembly.shop.path)).toEqual([
    join(assembly.shop.path, '.git'),
    join(assembly.shop.path, 'README.md'),
  ]);
  expect(list(repository.worktreesDirectory)).toEqual([]);
  const ids = summary.tasks.map(({ id }) => id);
  const grown = list(work.directory).filter((path) => !before.includes(path) && !path.endsWith('.mjs'));
  for (const path of grown) expect(path).toMatch(/\/(attempts|logs)(\/[^/]+){0,2}$/);
  expect(readdirSync(work.path('logs')).every((name) => /^att_[\w-]+\.log$/.test(name))).toBe(true);
  // What the files are called is theirs: all of it is in the target, nothing was taken for an option or a pattern.
  const files = assembly.shop.git('ls-tree', '-r', '-z', '--name-only', target).split('\0').filter(Boolean);
  expect(files).toHaveLength(1 + 3 * ids.length + 1);
  const trailers = assembly.shop
    .git(
      'log',
      '--format=%(trailers:key=Neolith-Task,valueonly)%(trailers:key=Neolith-Attempt,valueonly)',
      `main..${target}`,
    )
    .split('\n')
    .filter((line) => line !== '');
  expect(trailers).toHaveLength(2 * ids.length);
  expect(trailers.join()).not.toContain('forged');
});

it.each([
  '--upload-pack=touch made',
  'x;$(touch made)',
  '../../etc',
  'refs/heads/main',
  '-f',
  'neolith/attempt_x',
  'HEAD',
])('the target branch %j is refused with a reason, and nothing is made', async (targetBranch) => {
  const { orchestrators, id } = await assembly.run([{ title: 'runs' }]);
  const repository = await assembly.shop.open();
  const daemon = work.daemon({
    orchestrators,
    agent: work.agent('touch work.txt'),
    workplace: gitWorkplace({ repository, targetBranch }),
  });
  await daemon.start();
  let error: string | null = null;
  await until(async () => {
    error = (await work.engine.getTask(id)).attempts[0]?.error ?? null;
    return error !== null;
  }, 'the attempt to fail');
  expect(error).toContain(JSON.stringify(targetBranch));
  expect(refs()).toEqual(['refs/heads/main']);
  expect(list(assembly.shop.root).filter((path) => basename(path) === 'made')).toEqual([]);
  expect(list(repository.worktreesDirectory)).toEqual([]);
});

it('what an agent puts in place of its worktree, its .git or a file is not followed out of it', async () => {
  const outside = join(assembly.shop.root, 'outside');
  assembly.shop.write({ 'kept.txt': 'not ours' }, outside);
  const { orchestrators, ids, target } = await assembly.run(
    ['absolute', 'moved', 'planted', 'relative', 'resulting'].map((title) => ({ title, maxAttempts: 1 })),
  );
  await assembly.daemon({
    orchestrators,
    command: assembly.agent(`
import { renameSync, rmSync } from 'node:fs';
const outside = ${JSON.stringify(outside)};
writeFileSync(task.title + '.txt', 'work');
switch (task.title) {
  case 'absolute': symlinkSync(outside, 'link'); break;
  case 'relative': mkdirSync('deep'); symlinkSync('../../../../outside', 'deep/link'); break;
  case 'moved': { const here = process.cwd(); renameSync(here, here + '-moved'); symlinkSync(outside, here); break; }
  case 'planted': rmSync('.git'); symlinkSync(outside, '.git'); break;
  case 'resulting': symlinkSync(outside + '/kept.txt', process.env.NEOLITH_RESULT_FILE); break;
}
say({ output: 'ok' });
`),
  });
  const [absolute = '', moved = '', planted = '', relative = '', resulting = ''] = ids;
  for (const id of [absolute, relative]) {
    const { attempts } = await work.untilStatus(id, 'FAILED');
    expect(attempts[0]?.error).toContain('lead out of the worktree');
  }
  for (const id of [moved, planted]) {
    const { attempts } = await work.untilStatus(id, 'FAILED');
    expect(attempts[0]?.error).toContain('is not the worktree that was made');
  }
  // A result that would be read from elsewhere is left out, and the work is merged.
  expect((await work.untilStatus(resulting, 'DONE')).result?.output).toMatchObject({});
  expect(JSON.stringify(await work.engine.getTask(resulting))).not.toContain('not ours');
  expect(list(outside)).toEqual([join(outside, 'kept.txt')]);
  expect(readFileSync(join(outside, 'kept.txt'), 'utf8')).toBe('not ours');
  expect(assembly.shop.git('ls-tree', '-r', '--name-only', target).split('\n')).toEqual([
    'README.md',
    'resulting.txt',
  ]);
});

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openAssembly, readPidFile, until } from './support/assembly.js';

const assembly = openAssembly();
const { work } = assembly;

const titles = Array.from({ length: 8 }, (_, index) => `t${index}`);
const agent = () =>
  assembly.agent(`
note(${JSON.stringify(work.path('pids'))}, process.pid);
await gate(${JSON.stringify(work.path('gate'))});
writeFileSync(task.title + '.txt', task.title);
say({ output: task.title });
`);

it.each([[[8]], [[4, 4]]])(
  'worktrees for eight agents at once, from daemons of %j slots, and all is merged',
  async (daemons) => {
    const { orchestrators, ids, target } = await assembly.run(titles.map((title) => ({ title })));
    const { worktreesDirectory } = await assembly.shop.open();
    // What git commands that were killed left in the user's checkout, and of a worktree that is gone.
    writeFileSync(join(assembly.shop.path, '.git/index.lock'), '');
    assembly.shop.gitIn(
      assembly.shop.root,
      '-C',
      assembly.shop.path,
      'worktree',
      'add',
      '-q',
      '--detach',
      join(assembly.shop.root, 'gone'),
    );
    execFileSync('rm', ['-r', join(assembly.shop.root, 'gone')]);
    writeFileSync(join(assembly.shop.path, '.git/worktrees/gone/locked'), 'initializing');
    // A lock of ours, of a process that is no more.
    mkdirSync(join(assembly.shop.path, '.git/neolith'), { recursive: true });
    const left = {
      token: '00000000-0000-4000-8000-000000000000',
      pid: 999_999,
      ...JSON.parse(
        execFileSync(
          process.execPath,
          [
            '--input-type=module',
            '-e',
            "import { describeOwnLife } from './dist/git/processLife.js'; console.log(JSON.stringify(await describeOwnLife()))",
          ],
          { encoding: 'utf8', cwd: new URL('../..', import.meta.url) },
        ),
      ),
    };
    writeFileSync(join(assembly.shop.path, '.git/neolith/worktrees.lock'), JSON.stringify(left));

    const command = agent();
    const started = await Promise.all(
      daemons.map((slots) => assembly.daemon({ orchestrators, command, slots })),
    );
    await until(() => readPidFile(work.path('pids')).length === 8, 'eight agents at once');
    expect(readdirSync(worktreesDirectory)).toHaveLength(8);
    await work.open(work.path('gate'));
    for (const id of ids) expect((await work.untilStatus(id, 'DONE')).attempts).toHaveLength(1);
    expect(assembly.shop.git('ls-tree', '-r', '--name-only', target).split('\n')).toEqual([
      'README.md',
      ...titles.map((title) => `${title}.txt`),
    ]);
    expect(assembly.shop.git('rev-list', '--count', `main..${target}`)).toBe('8');
    for (const { child } of started) child.kill('SIGTERM');
    expect(await Promise.all(started.map(({ ended }) => ended))).toEqual(daemons.map(() => 0));
    expect(readdirSync(worktreesDirectory)).toEqual([]);
    expect(assembly.shop.git('for-each-ref', '--format=%(refname)').split('\n')).toEqual([
      'refs/heads/main',
      `refs/heads/${target}`,
    ]);
  },
);

it('the lock that a killed git left in a worktree keeps nothing from being committed and merged', async () => {
  const { orchestrators, ids, target } = await assembly.run([{ title: 'index' }, { title: 'plain' }]);
  const [index = '', plain = ''] = ids;
  await assembly.daemon({
    orchestrators,
    command: assembly.agent(`
import { utimesSync } from 'node:fs';
writeFileSync(task.title + '.txt', task.title);
if (task.title === 'index') {
  const lock = git('rev-parse', '--absolute-git-dir').trim() + '/index.lock';
  writeFileSync(lock, '');
  utimesSync(lock, 1, 1);
}
say({ output: task.title });
`),
  });
  for (const id of [index, plain]) expect((await work.untilStatus(id, 'DONE')).attempts).toHaveLength(1);
  expect(assembly.shop.git('ls-tree', '-r', '--name-only', target).split('\n')).toEqual([
    'README.md',
    'index.txt',
    'plain.txt',
  ]);
});

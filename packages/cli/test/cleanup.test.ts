import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openAssembly, readPidFile, until } from '../../daemon/test/assembly/support/assembly.js';
import { isAlive } from '../../daemon/test/process/processes.js';
import { runNeolith } from './support/runNeolith.js';

const assembly = openAssembly();
const { work } = assembly;

interface Listed {
  readonly attemptId: string;
  readonly reason?: string;
  readonly path: string;
}

const run = (...args: string[]) =>
  runNeolith(['cleanup', '--repo-path', assembly.shop.path, ...args], { NEOLITH_HOME: work.directory });

async function clean(
  ...args: string[]
): Promise<{ removed: Listed[]; kept: Listed[]; endedProcesses: number }> {
  const { code, stdout, stderr } = await run('--json', ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

it('what a killed daemon left is removed only where nothing is lost; all else is kept and flagged, and strays are ended', async () => {
  const titles = ['busy', 'detached', 'dirty', 'nothing', 'unpushed', 'untracked'];
  const { orchestrators, ids } = await assembly.run(titles.map((title) => ({ title })));
  const pids = work.path('pids');
  const daemon = await assembly.daemon({
    orchestrators,
    worktreesDirectory: work.path('worktrees'),
    command: assembly.agent(`
switch (task.title) {
  case 'busy': case 'untracked': writeFileSync('new.txt', task.title); break;
  case 'dirty': writeFileSync('README.md', task.title); break;
  case 'detached': git('checkout', '-q', '--detach');
  case 'unpushed': writeFileSync('new.txt', task.title); git('add', '.'); git('commit', '-q', '-m', 'Mine'); break;
}
note(${JSON.stringify(pids)}, process.pid);
await gate(task.title === 'busy' ? '/never' : ${JSON.stringify(work.path('gate'))});
`),
  });
  await until(() => readPidFile(pids).length === 6, 'the agents');
  const attempts = await Promise.all(
    ids.map(async (id) => (await work.engine.getTask(id)).attempts[0]?.id ?? ''),
  );
  const named = (items: readonly Listed[]) =>
    items
      .map(({ attemptId, reason }) => [titles[attempts.indexOf(attemptId)], reason].join(' ').trim())
      .sort();

  const alive = await clean();
  expect(named(alive.kept)).toEqual(titles.map((title) => `${title} BUSY`));
  expect(alive).toMatchObject({ removed: [], endedProcesses: 0 });
  expect(readPidFile(pids).filter(isAlive)).toHaveLength(6);

  daemon.child.kill('SIGKILL');
  await daemon.ended;
  await work.open(work.path('gate'));
  await until(() => readPidFile(pids).filter(isAlive).length === 1, 'all agents but one to end');
  const plan = await clean('--dry-run');
  expect(named(plan.removed)).toEqual(['nothing']);
  expect(readPidFile(pids).filter(isAlive)).toHaveLength(1);
  const first = await clean();
  expect(named(first.removed)).toEqual(['nothing']);
  const others = ['detached UNMERGED', 'dirty DIRTY', 'unpushed UNMERGED', 'untracked DIRTY'];
  expect(named(first.kept)).toEqual(['busy BUSY', ...others]);
  expect(first.endedProcesses).toBeGreaterThanOrEqual(1);
  expect(readPidFile(pids).filter(isAlive)).toEqual([]);

  const second = await clean();
  expect(second.removed).toEqual([]);
  expect(named(second.kept)).toEqual(['busy DIRTY', ...others]);
  const told = await run();
  expect(told.code).toBe(0);
  for (const { path, attemptId } of second.kept) {
    expect(told.stdout).toContain(`kept  ${path}: `);
    const title = titles[attempts.indexOf(attemptId)] ?? '';
    expect(readFileSync(join(path, title === 'dirty' ? 'README.md' : 'new.txt'), 'utf8')).toBe(title);
  }
  expect(existsSync(first.removed[0]?.path ?? '')).toBe(false);
});

import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { openAssembly, until } from './support/assembly.js';

const assembly = openAssembly();
const { work } = assembly;

/** Of the system, as Linux has them. */
const tools = { mount: 'mount', unmount: 'umount' };

let mounted: string | null = null;
afterEach(() => {
  if (mounted !== null) execFileSync(tools.unmount, ['--lazy', mounted]);
  mounted = null;
});

/** A small disk of its own; null where this machine lets us mount none. */
function mountDisk(directory: string, size: string): string | null {
  mkdirSync(directory);
  try {
    execFileSync(tools.mount, ['-t', 'tmpfs', '-o', `size=${size},mode=0700`, 'tmpfs', directory], {
      stdio: 'ignore',
    });
  } catch {
    // Not root, or in a container that may not mount.
    return null;
  }
  mounted = directory;
  return directory;
}

it('on a full disk that task alone fails, with the reason, and goes back until there is room', async ({
  skip,
}) => {
  const disk = mountDisk(work.path('disk'), '2m');
  if (disk === null) return skip('this machine lets us mount no small disk');
  assembly.shop.write({ 'big.bin': 'x'.repeat(700_000) });
  assembly.shop.git('add', '--all');
  assembly.shop.git('commit', '--quiet', '--message=Big');
  const { orchestrators, ids, target } = await assembly.run(['a', 'b', 'c'].map((title) => ({ title })));
  await assembly.daemon({
    orchestrators,
    worktreesDirectory: join(disk, 'worktrees'),
    command: assembly.agent(`
await gate(${JSON.stringify(work.path('gate'))});
writeFileSync(task.title + '.txt', task.title);
say({ output: task.title });
`),
  });
  const failedOf = async () =>
    (await Promise.all(ids.map((id) => work.engine.getTask(id)))).filter(({ attempts }) =>
      attempts.some(({ status }) => status === 'FAILED'),
    );
  await until(async () => (await failedOf()).length === 1, 'the third to fail');
  const [failed] = await failedOf();
  const first = failed?.attempts.find(({ number }) => number === 1);
  expect(first).toMatchObject({ status: 'FAILED', failureClass: 'infrastructure' });
  expect(first?.error).toContain('unable to write file big.bin');
  expect(first?.error).toContain('Free some');
  // It costs the task none of its attempts: it comes back when there may be room again.
  expect(failed?.failureCount).toBe(0);
  expect(failed?.status).not.toBe('FAILED');
  const others = ids.filter((id) => id !== failed?.id);
  for (const id of others) expect((await work.engine.getTask(id)).status).toBe('IN_PROGRESS');
  await work.open(work.path('gate'));
  for (const id of others) expect((await work.untilStatus(id, 'DONE')).attempts).toHaveLength(1);
  const files = assembly.shop.git('ls-tree', '-r', '--name-only', target).split('\n');
  const titles = await Promise.all(others.map(async (id) => (await work.engine.getTask(id)).title));
  expect(files).toEqual(expect.arrayContaining(['big.bin', ...titles.map((title) => `${title}.txt`)]));
});

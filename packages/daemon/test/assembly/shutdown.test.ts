import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isAlive } from '../process/processes.js';
import { openAssembly, readPidFile, until } from './support/assembly.js';

const assembly = openAssembly();
const { work } = assembly;

const agent = () =>
  assembly.agent(`
process.on('SIGTERM', () => {});
writeFileSync('work.txt', 'attempt ' + number);
note(${JSON.stringify(work.path('pids'))}, process.pid);
await gate(${JSON.stringify(work.path('gate'))});
say({ output: number });
`);

it('on SIGTERM the agent may finish, its work is committed and merged, and the daemon ends with 0', async () => {
  const { orchestrators, id, target } = await assembly.run([{ title: 'runs' }]);
  const { child, ended, log, report } = await assembly.daemon({ orchestrators, command: agent(), slots: 1 });
  await until(() => readPidFile(work.path('pids')).length === 1, 'the agent');
  child.kill('SIGTERM');
  await until(() => log().includes('Draining'), 'the drain');
  const late = await work.task({ id: orchestrators[0] ?? '' }, { title: 'too late' });
  await work.open(work.path('gate'));
  expect(await ended).toBe(0);
  expect(report().results).toMatchObject({ completed: 1, released: 0, dropped: 0 });
  expect((await work.engine.getTask(id)).status).toBe('DONE');
  expect(assembly.shop.git('show', `${target}:work.txt`)).toBe('attempt 1');
  expect((await work.engine.getTask(late.id)).status).toBe('TODO');
  const repository = await assembly.shop.open();
  const [attempt] = (await work.engine.getTask(id)).attempts;
  expect(existsSync(join(repository.worktreesDirectory, attempt?.id ?? ''))).toBe(false);
});

it('on a second SIGTERM it ends the agent at once; the task is given back and the worktree kept', async () => {
  const { orchestrators, id, target } = await assembly.run([{ title: 'runs' }]);
  const { child, ended, log, report } = await assembly.daemon({
    orchestrators,
    command: agent(),
    graceMs: 60_000,
  });
  await until(() => readPidFile(work.path('pids')).length === 1, 'the agent');
  child.kill('SIGTERM');
  await until(() => log().includes('Draining'), 'the drain');
  expect((await work.engine.getTask(id)).status).toBe('IN_PROGRESS');
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(report().results).toMatchObject({ released: 1, completed: 0 });
  expect(readPidFile(work.path('pids')).filter(isAlive)).toEqual([]);
  const task = await work.engine.getTask(id);
  expect(task).toMatchObject({ status: 'TODO', failureCount: 0, lostCount: 0 });
  expect(assembly.commitsOf(target, id)).toEqual([]);
  const repository = await assembly.shop.open();
  const left = join(repository.worktreesDirectory, task.attempts[0]?.id ?? '');
  expect(readFileSync(join(left, 'work.txt'), 'utf8')).toBe('attempt 1');
  expect(log()).toContain('The worktree is kept');
});

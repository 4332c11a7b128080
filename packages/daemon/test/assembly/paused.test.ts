import { expect, it } from 'vitest';
import { isAlive } from '../process/processes.js';
import { openAssembly, readPidFile, until } from './support/assembly.js';

const assembly = openAssembly();
const { work } = assembly;

/** Attempt N notes its pid, writes its own version of a file, and waits at the gate N. */
const agent = () =>
  assembly.agent(`
note(${JSON.stringify(work.path('pids'))}, process.pid);
await gate(${JSON.stringify(work.path('gate'))} + number);
writeFileSync('work.txt', 'attempt ' + number);
say({ output: { number } });
`);
const gate = (number: number) => work.open(work.path(`gate${number}`));

const untilLost = (id: string) =>
  until(async () => {
    await work.engine.sweepExpiredLeases();
    return (await work.engine.getTask(id)).lostCount === 1;
  }, 'the lease to run out');

/** What stands once the second attempt is merged, and must stand for ever. */
async function expectSecond(id: string, target: string): Promise<void> {
  const task = await work.engine.getTask(id);
  expect(task).toMatchObject({ status: 'DONE', result: { output: { number: 2 } } });
  expect(task.attempts.map(({ number, status }) => [number, status]).sort()).toEqual([
    [1, 'LOST'],
    [2, 'SUCCEEDED'],
  ]);
  expect((await work.events(id)).filter(({ type }) => type === 'task.completed')).toHaveLength(1);
  expect(assembly.commitsOf(target, id)).toHaveLength(1);
  expect(assembly.shop.git('show', `${target}:work.txt`)).toBe('attempt 2');
  expect(assembly.shop.git('rev-list', '--count', `main..${target}`)).toBe('1');
}

it('stopped past its lease while its agent works, it is refused, ends the agent, and the second result stands', async () => {
  const { orchestrators, id, target } = await assembly.run([{ title: 'runs' }]);
  const stale = await assembly.daemon({ orchestrators, command: agent(), leaseSeconds: 1, slots: 1 });
  await until(() => readPidFile(work.path('pids')).length === 1, 'the first agent');
  stale.child.kill('SIGSTOP');
  await untilLost(id);
  await assembly.daemon({ orchestrators, command: agent(), slots: 1 });
  await gate(2);
  await work.untilStatus(id, 'DONE');
  await expectSecond(id, target);
  const [first = 0] = readPidFile(work.path('pids'));
  expect(isAlive(first)).toBe(true);
  stale.child.kill('SIGCONT');
  await until(() => !isAlive(first), 'the first agent to be ended');
  await until(() => stale.log().includes('Ended, dropped'), 'the first attempt to end');
  await expectSecond(id, target);
  stale.child.kill('SIGTERM');
  expect(await stale.ended).toBe(0);
  expect(stale.report().results).toMatchObject({ dropped: 1, completed: 0 });
});

it('stopped past its lease while its agent ended, its late completion is refused and not merged', async () => {
  const { orchestrators, id, target } = await assembly.run([{ title: 'runs' }]);
  const stale = await assembly.daemon({ orchestrators, command: agent(), leaseSeconds: 1, slots: 1 });
  await until(() => readPidFile(work.path('pids')).length === 1, 'the first agent');
  const firstId = (await work.engine.getTask(id)).attempts[0]?.id;
  stale.child.kill('SIGSTOP');
  await gate(1);
  const [first = 0] = readPidFile(work.path('pids'));
  await until(() => !isAlive(first), 'the first agent to end by itself');
  await untilLost(id);
  await assembly.daemon({ orchestrators, command: agent(), slots: 1 });
  await gate(2);
  await work.untilStatus(id, 'DONE');
  // Its heartbeats would tell it before it could complete: here the completion itself has to be refused.
  work.server.fault = ({ name, body }) =>
    name === 'daemonHeartbeat' && body.attemptIds?.includes(firstId) ? { kind: 'answer', status: 503 } : null;
  stale.child.kill('SIGCONT');
  await until(() => stale.log().includes('Ended, dropped'), 'the first attempt to end');
  const late = work.server.calls.filter(
    ({ name, body }) => name === 'completeTask' && body.attemptId === firstId,
  );
  expect(late.map(({ status }) => status)).toEqual([409]);
  await expectSecond(id, target);
  // What it made is not thrown away either.
  expect(stale.log()).toContain('The worktree is kept');
});

it.each(['before', 'after'] as const)(
  'stopped past its lease while its merge is checked, the work is in the target once, also %s somebody else did it again',
  async (when) => {
    const { orchestrators, id, target } = await assembly.run([{ title: 'runs' }]);
    const checks = work.path('checks');
    const check = `echo $$ >> ${checks}; while [ ! -e ${work.path('checked')} ]; do sleep 0.05; done`;
    const stale = await assembly.daemon({
      orchestrators,
      command: agent(),
      leaseSeconds: 1,
      slots: 1,
      // Stopped, it must not be given the second attempt as well, by a call that waits.
      mergesAside: 0,
      check,
    });
    await gate(1);
    await until(() => readPidFile(checks).length === 1, 'the check');
    const firstId = (await work.engine.getTask(id)).attempts[0]?.id;
    stale.child.kill('SIGSTOP');
    const [checking = 0] = readPidFile(checks);
    await work.open(work.path('checked'));
    await until(() => !isAlive(checking), 'the check to end');
    await untilLost(id);
    // Its heartbeats may come too late to tell it; nothing but the question right before the merge is left then.
    work.server.fault = ({ name, body }) =>
      name === 'daemonHeartbeat' && body.attemptIds?.includes(firstId)
        ? { kind: 'answer', status: 503 }
        : null;
    const other = () => assembly.daemon({ orchestrators, command: agent(), slots: 1 });
    if (when === 'after') {
      await other();
      await gate(2);
      await work.untilStatus(id, 'DONE');
    }
    stale.child.kill('SIGCONT');
    await until(() => stale.log().includes('Ended, dropped'), 'the first attempt to end');
    if (when === 'before') {
      await other();
      await gate(2);
      await work.untilStatus(id, 'DONE');
    }
    await expectSecond(id, target);
  },
);

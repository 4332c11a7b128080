import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { applyCleanup, planCleanup } from '../../src/git/cleanup.js';
import { nameSupersededRef } from '../../src/git/supersede.js';
import { isAlive } from '../process/processes.js';
import { openAssembly, readPidFile, until } from './support/assembly.js';

const assembly = openAssembly();
const { work } = assembly;

/** Commits one file, leaves another one uncommitted where its title says so, and waits at the gate; the second time it just ends. */
const agent = () =>
  assembly.agent(`
if (number === 1) {
  writeFileSync('committed.txt', 'by the first attempt at ' + task.title);
  git('add', 'committed.txt');
  git('commit', '-q', '-m', 'Half of it');
  if (task.title === 'dirty') writeFileSync('half.txt', 'not committed');
  note(${JSON.stringify(work.path('pids'))}, process.pid);
  await gate(${JSON.stringify(work.path('gate'))});
}
writeFileSync(task.title + '.txt', 'attempt ' + number);
say({ output: { number } });
`);

it('a daemon that is killed in mid-task loses nothing: done again, merged once, the first work kept and told', async () => {
  const { orchestrators, ids, target } = await assembly.run([{ title: 'clean' }, { title: 'dirty' }]);
  const [clean = '', dirty = ''] = ids;
  const killed = await assembly.daemon({ orchestrators, command: agent(), leaseSeconds: 2 });
  await until(() => readPidFile(work.path('pids')).length === 2, 'both agents');
  const firsts = new Map<string, string>();
  for (const id of ids) firsts.set(id, (await work.engine.getTask(id)).attempts[0]?.id ?? '');
  killed.child.kill('SIGKILL');
  await killed.ended;
  const killedMs = performance.now();
  for (const id of ids) await work.untilStatus(id, 'TODO');
  // Its lease was 2 s, and had been renewed a moment before at most.
  expect(performance.now() - killedMs).toBeLessThan(10_000);

  const next = await assembly.daemon({
    orchestrators,
    command: agent(),
    name: killed.name,
    leaseSeconds: 2,
  });
  for (const id of ids) {
    const done = await work.untilStatus(id, 'DONE');
    expect(done).toMatchObject({ lostCount: 1, failureCount: 0, result: { output: { number: 2 } } });
    expect(done.attempts.map(({ number, status }) => [number, status]).sort()).toEqual([
      [1, 'LOST'],
      [2, 'SUCCEEDED'],
    ]);
    const lost = (await work.events(id)).find(({ type }) => type === 'task.lease_lost');
    expect(lost).toMatchObject({ attemptId: firsts.get(id), from: 'IN_PROGRESS', to: 'TODO' });
    expect(JSON.stringify(lost?.data)).toMatch(/lease/i);
    expect(assembly.commitsOf(target, id)).toHaveLength(1);
  }
  expect(assembly.shop.git('show', `${target}:dirty.txt`)).toBe('attempt 2');

  next.child.kill('SIGTERM');
  expect(await next.ended).toBe(0);
  const repository = await assembly.shop.open();
  const directoryOf = (id: string) => join(repository.worktreesDirectory, firsts.get(id) ?? '');
  // What was committed in the first attempt is kept by a ref, so its clean worktree may go; what was not, lies where it was.
  for (const id of ids) {
    const kept = nameSupersededRef(firsts.get(id) ?? '');
    expect(assembly.shop.git('show', `${kept}:committed.txt`)).toContain('by the first attempt');
  }
  expect(existsSync(directoryOf(clean))).toBe(false);
  expect(readFileSync(join(directoryOf(dirty), 'half.txt'), 'utf8')).toBe('not committed');
  const { removed, kept } = await applyCleanup(
    repository,
    await planCleanup(repository, { activeAttemptIds: [] }),
  );
  expect(removed.map(({ attemptId }) => attemptId)).not.toContain(firsts.get(dirty));
  expect(kept).toMatchObject([{ attemptId: firsts.get(dirty), reason: 'DIRTY', path: directoryOf(dirty) }]);
  expect(readFileSync(join(directoryOf(dirty), 'half.txt'), 'utf8')).toBe('not committed');
});

it("a daemon that is started again ends its earlier life's agents with all they forked, and nobody else's", async () => {
  const pids = work.path('pids');
  const forker = assembly.agent(`
const deaf = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1e6)";
if (number === 1) {
  const inSession = spawn(process.execPath, ['-e', deaf], { detached: true, stdio: 'ignore' });
  const inGroup = spawn(process.execPath, ['-e', deaf], { stdio: 'ignore' });
  for (const pid of [process.pid, inSession.pid, inGroup.pid]) note(${JSON.stringify(pids)}, pid);
  await gate(${JSON.stringify(work.path('never'))});
}
say({ output: number });
`);
  const { orchestrators, id } = await assembly.run([{ title: 'forks' }]);
  const killed = await assembly.daemon({ orchestrators, command: forker, leaseSeconds: 2 });
  await until(() => readPidFile(pids).length === 3, 'the agent and its children');
  const strays = readPidFile(pids);
  // Bystanders: of a daemon whose name begins alike, of no daemon, and one that works in the same worktree.
  const directory = (await assembly.shop.open()).worktreesDirectory;
  const bystander = (environment: Record<string, string>, cwd: string) =>
    spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], {
      cwd,
      env: environment,
      stdio: 'ignore',
      detached: true,
    });
  const attemptId = (await work.engine.getTask(id)).attempts[0]?.id ?? '';
  const bystanders = [
    bystander({ NEOLITH_DAEMON: `${killed.name}0:1.1` }, assembly.shop.path),
    bystander({}, assembly.shop.path),
    bystander({}, join(directory, attemptId)),
  ];
  try {
    killed.child.kill('SIGKILL');
    await killed.ended;
    expect(strays.filter(isAlive)).toHaveLength(3);
    const startedMs = performance.now();
    await assembly.daemon({ orchestrators, command: forker, name: killed.name, leaseSeconds: 2 });
    // It serves only when they are gone.
    expect(strays.filter(isAlive)).toEqual([]);
    expect(performance.now() - startedMs).toBeLessThan(30_000);
    expect(bystanders.map(({ pid }) => isAlive(pid ?? 0))).toEqual([true, true, true]);
    expect((await work.untilStatus(id, 'DONE')).result?.output).toBe(2);
  } finally {
    for (const { pid } of bystanders) if (pid !== undefined) process.kill(pid, 'SIGKILL');
  }
});

import { expect, it } from 'vitest';
import { isAlive } from '../process/processes.js';
import { openAssembly, readPidFile, until } from './support/assembly.js';

const assembly = openAssembly();
const { work } = assembly;

const GRACE_MS = 1_000;
const DEAF = `"process.on('SIGTERM', () => {}); setInterval(() => {}, 1e6)"`;

it('agents that ignore TERM, fork, hold stdout open, linger or wait for input all end, and their work is taken', async () => {
  const titles = ['deaf', 'holds', 'lingers', 'reads'];
  const { orchestrators, ids, target } = await assembly.run(titles.map((title) => ({ title })));
  const [deaf = '', holds = '', lingers = '', reads = ''] = ids;
  const pids = work.path('pids');
  const command = assembly.agent(`
import { createInterface } from 'node:readline';
writeFileSync(task.title + '.txt', 'work');
const started = (child) => note(${JSON.stringify(pids)}, child.pid);
started(process);
switch (task.title) {
  case 'deaf':
    process.on('SIGTERM', () => {});
    started(spawn(process.execPath, ['-e', ${DEAF}], { detached: true, stdio: ['ignore', 'inherit', 'inherit'] }));
    await gate('/never');
  case 'holds':
    started(spawn(process.execPath, ['-e', ${DEAF}], { detached: true, stdio: ['ignore', 'inherit', 'inherit'] }));
    break;
  case 'lingers':
    say({ output: task.title });
    await gate('/never');
  case 'reads':
    // What it was given is read already: asking for more must not wait for anybody.
    await new Promise((resolve) => createInterface(process.stdin).on('line', () => {}).on('close', resolve));
}
say({ output: task.title });
process.exit(0);
`);
  await assembly.daemon({
    orchestrators,
    agent: { name: 'shell', configuration: { command, lingerAfterResultMs: 500 } },
    graceMs: GRACE_MS,
    leaseSeconds: 5,
  });
  await until(() => readPidFile(pids).length === 6, 'all agents and those they started');
  for (const id of [holds, lingers, reads]) {
    const done = await work.untilStatus(id, 'DONE');
    expect(done.attempts).toHaveLength(1);
  }
  expect(assembly.shop.git('ls-tree', '-r', '--name-only', target).split('\n')).toEqual([
    'README.md',
    'holds.txt',
    'lingers.txt',
    'reads.txt',
  ]);
  // All but the deaf one and its child.
  expect(readPidFile(pids).filter(isAlive)).toHaveLength(2);
  const cancelledMs = performance.now();
  await work.engine.cancelTask(deaf);
  await work.untilStatus(deaf, 'CANCELLED');
  expect(readPidFile(pids).filter(isAlive)).toEqual([]);
  // A second to hear of it, the grace time, a second to see to it; twice that on a machine that is shared.
  expect(performance.now() - cancelledMs).toBeLessThan(2 * (GRACE_MS + 2_000));
});

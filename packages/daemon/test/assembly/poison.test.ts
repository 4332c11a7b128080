import { expect, it } from 'vitest';
import { openAssembly, until } from './support/assembly.js';

const assembly = openAssembly();
const { work } = assembly;

/** Makes what waits for its next try due now, and sweeps as a server does: backoff is time, and time is what is faked. */
const hurry = async () => {
  await work.engine.sweepExpiredLeases();
  await work.database.database.pool.query(
    'UPDATE delayed_tasks SET available_at = now() WHERE available_at > now()',
  );
};

it('an agent that ends with 137 each time, and one that kills its daemon, are parked with their reasons, and the rest flows on', async () => {
  const { orchestrators, ids, target } = await assembly.run([
    { title: 'exits', maxAttempts: 2 },
    { title: 'good' },
    { title: 'kills', maxAttempts: 10 },
  ]);
  const [exits = '', good = '', kills = ''] = ids;
  const command = assembly.agent(`
if (task.title === 'exits') process.exit(137);
if (task.title === 'kills') {
  note(${JSON.stringify(work.path('kills'))}, process.ppid);
  process.kill(process.ppid, 'SIGKILL');
  await gate('/never');
}
// Not before it was interrupted once.
if (number > 1 || existsSync(${JSON.stringify(work.path('kills'))})) {
  writeFileSync('good.txt', 'attempt ' + number);
  say({ output: { number } });
} else await gate(${JSON.stringify(work.path('kills'))});
`);
  const start = () => assembly.daemon({ orchestrators, command, leaseSeconds: 2 });
  const isParked = async (id: string) => (await work.engine.getTask(id)).status === 'FAILED';

  let deaths = 0;
  let daemon = await start();
  await until(
    async () => {
      await hurry();
      if (daemon.child.signalCode !== null) {
        deaths += 1;
        daemon = await start();
      }
      return (await isParked(exits)) && (await isParked(kills));
    },
    'both to be parked',
    60_000,
  );
  expect(deaths).toBe(3);

  const killer = await work.engine.getTask(kills);
  expect(killer).toMatchObject({ lostCount: 3, failureCount: 0 });
  expect(killer.attempts.map(({ status }) => status)).toEqual(['LOST', 'LOST', 'LOST']);
  const { deadLetters } = await work.engine.listDeadLetters();
  const reasonOf = (id: string) => deadLetters.find(({ task }) => task.id === id)?.reason;
  expect([reasonOf(exits), reasonOf(kills)]).toEqual([expect.any(String), expect.any(String)]);
  const exited = await work.engine.getTask(exits);
  expect(exited.failureCount).toBe(2);
  for (const attempt of exited.attempts.filter(({ status }) => status === 'FAILED'))
    expect(attempt.error).toMatch(/137/);

  expect((await work.untilStatus(good, 'DONE', 30_000)).result?.output).toMatchObject({
    number: expect.any(Number),
  });
  expect(assembly.commitsOf(target, good)).toHaveLength(1);
  expect(daemon.child.exitCode ?? daemon.child.signalCode).toBeNull();
}, 120_000);

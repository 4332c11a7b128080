import { writeFileSync } from 'node:fs';
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
  const place = (name: string) => JSON.stringify(work.path(name));
  const command = assembly.agent(`
if (task.title === 'exits') process.exit(137);
if (task.title === 'kills') {
  // What it takes with it is the daemon's, not the luck of the others: they have their turn in between.
  await gate(number > 1 ? ${place('good is done')} : ${place('exits is parked')});
  note(${place('kills')}, process.ppid);
  process.kill(process.ppid, 'SIGKILL');
  await gate('/never');
}
// Not before it was interrupted once.
await gate(${place('kills')});
writeFileSync('good.txt', 'attempt ' + number);
say({ output: { number } });
`);
  const start = () => assembly.daemon({ orchestrators, command, leaseSeconds: 2 });
  const has = async (id: string, status: string) => (await work.engine.getTask(id)).status === status;

  let deaths = 0;
  let daemon = await start();
  await until(async () => {
    await hurry();
    if (daemon.child.signalCode !== null) {
      deaths += 1;
      daemon = await start();
    }
    if (await has(exits, 'FAILED')) writeFileSync(work.path('exits is parked'), '');
    if (await has(good, 'DONE')) writeFileSync(work.path('good is done'), '');
    return (await has(exits, 'FAILED')) && (await has(kills, 'FAILED'));
  }, 'both to be parked');
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

  expect((await work.untilStatus(good, 'DONE')).result?.output).toMatchObject({
    number: expect.any(Number),
  });
  expect(assembly.commitsOf(target, good)).toHaveLength(1);
  expect(daemon.child.exitCode ?? daemon.child.signalCode).toBeNull();
});

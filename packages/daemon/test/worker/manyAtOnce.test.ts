import { expect, it, onTestFinished } from 'vitest';
import { openWorkplace, readPidFile, until } from './support/workplace.js';

const work = openWorkplace();

it('has as many agents and orchestrators as one likes without a warning of Node', async () => {
  const warnings: string[] = [];
  const note = (warning: Error) => warnings.push(`${warning.name}: ${warning.message}`);
  process.on('warning', note);
  onTestFinished(() => void process.off('warning', note));
  const gate = work.path('gate');
  const pids = work.path('pids');
  const orchestrators = await Promise.all(Array.from({ length: 12 }, () => work.orchestrator()));
  const tasks = await Promise.all(
    orchestrators.map((orchestrator) => work.task(orchestrator, { metadata: { gate, pids } })),
  );
  const daemon = work.daemon({ orchestrators: orchestrators.map(({ id }) => id), slots: 12 });
  await daemon.start();
  await until(() => readPidFile(pids).length === 12, 'twelve agents');
  await work.open(gate);
  for (const { id } of tasks) await work.untilStatus(id, 'DONE');
  expect(warnings).toEqual([]);
});

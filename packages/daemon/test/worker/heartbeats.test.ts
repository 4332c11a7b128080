import { it } from 'vitest';
import { openWorkplace, until } from './support/workplace.js';

const work = openWorkplace();

// A third of most leases, halved, is no whole number of milliseconds.
it.each([1, 7, 10, 25])('keeps its leases, with a lease of %i seconds', async (leaseSeconds) => {
  const orchestrator = await work.orchestrator();
  await work.daemon({ orchestrators: [orchestrator.id], leaseSeconds }).start();
  await until(
    () => work.server.calls.some(({ name, status }) => name === 'daemonHeartbeat' && status === 200),
    'a heartbeat that is taken',
  );
});

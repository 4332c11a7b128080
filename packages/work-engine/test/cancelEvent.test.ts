import { expect, it } from 'vitest';
import { createFixture } from './support/engineFixture.js';

const fixture = createFixture();

it('the event of a requested cancel names the attempt and the daemon that must hear of it', async () => {
  const { engine } = fixture;
  const orchestrator = await fixture.orchestrator();
  await fixture.task(orchestrator);
  const daemon = await engine.registerDaemon({
    name: 'one',
    host: 'here',
    version: '1',
    slots: 1,
    orchestratorIds: [orchestrator.id],
  });
  const { claims } = await engine.claimNextTask(orchestrator.id, { daemonId: daemon.id });
  const taskId = claims[0]?.task.id as string;
  await engine.cancelTask(taskId, { reason: 'no longer wanted' });
  const { events } = await engine.listTaskEvents(taskId);
  expect(events.at(-1)).toMatchObject({
    type: 'task.cancel_requested',
    attemptId: claims[0]?.attempt.id,
    daemonId: daemon.id,
    data: { reason: 'no longer wanted' },
  });
});

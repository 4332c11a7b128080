import { expect, it } from 'vitest';
import type { AttemptEvent } from '../../src/worker/index.js';
import { openWorkplace, until } from './support/workplace.js';

const work = openWorkplace();

it('tells once that an agent takes long, to whoever watches, the log and the server, before it is ended at its limit', async () => {
  const ada = await work.orchestrator();
  const task = await work.task(ada, { title: 'Too much', timeoutSeconds: 3, maxAttempts: 1 });
  const events: AttemptEvent[] = [];
  const daemon = work.daemon({
    orchestrators: [ada.id],
    agent: work.agent('echo "::neolith {\\"message\\": \\"begun\\"}"; sleep 60'),
    onAttempt: (event) => events.push(event),
  });
  await daemon.start();
  await until(() => events.some(({ kind }) => kind === 'slow'), 'the word of warning');
  expect(events.some(({ kind }) => kind === 'ended')).toBe(false);
  await work.untilStatus(task.id, 'FAILED');
  await until(() => events.some(({ kind }) => kind === 'ended'), 'the end');
  const slow = events.filter((event) => event.kind === 'slow');
  const [first] = slow;
  expect(slow).toHaveLength(1);
  expect(first?.runningMs).toBeGreaterThanOrEqual(2_300);
  expect(events.at(-1)).toMatchObject({ kind: 'ended', result: 'failed' });
  const log = work
    .log()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .find(({ message }) => message === 'The agent takes long; it will be ended at its limit');
  expect(log).toMatchObject({ taskId: task.id, limitSeconds: 3 });
  const told = (await work.events(task.id)).map(({ data }) => data?.message);
  expect(told).toContain(`Takes long: it will be ended at ${first?.endsAt.toISOString()}`);
});

it('says nothing of an agent that is quick, and tells the part of the plan that its task belongs to', async () => {
  const ada = await work.orchestrator();
  const task = await work.task(ada, { timeoutSeconds: 60, metadata: { phase: 'Foundations' } });
  const events: AttemptEvent[] = [];
  const daemon = work.daemon({
    orchestrators: [ada.id],
    agent: work.agent('true'),
    onAttempt: (event) => events.push(event),
  });
  await daemon.start();
  await work.untilStatus(task.id, 'DONE');
  await until(() => events.some(({ kind }) => kind === 'ended'), 'the end');
  expect(events.map(({ kind }) => kind)).not.toContain('slow');
  expect(events[0]).toMatchObject({ kind: 'started', planPhase: 'Foundations' });
});

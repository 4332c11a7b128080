import { expect, test } from 'vitest';
import { createFixture } from './support/engineFixture.js';

const fixture = createFixture();

type Ending = 'task' | 'agent' | 'provider' | 'infrastructure' | 'timed out' | 'lost' | 'given back';
type Spent = { failureCount: number; lostCount: number };

/**
 * What a row of endings spends, how the task stands after them, and which budget was spent.
 * Its own failures have 2 here; each other kind has 3.
 */
const CASES: [endings: Ending[], status: 'TODO' | 'FAILED', spent: string | null, counts: Spent][] = [
  [['task'], 'TODO', null, { failureCount: 1, lostCount: 0 }],
  [['task', 'task'], 'FAILED', 'attempts', { failureCount: 2, lostCount: 0 }],
  [['agent', 'task'], 'FAILED', 'attempts', { failureCount: 2, lostCount: 0 }],
  [['timed out', 'agent'], 'FAILED', 'attempts', { failureCount: 2, lostCount: 0 }],
  [['provider', 'provider'], 'TODO', null, { failureCount: 0, lostCount: 0 }],
  [['provider', 'provider', 'provider'], 'FAILED', 'provider', { failureCount: 0, lostCount: 0 }],
  [
    ['infrastructure', 'infrastructure', 'infrastructure'],
    'FAILED',
    'infrastructure',
    { failureCount: 0, lostCount: 0 },
  ],
  [['lost', 'lost'], 'TODO', null, { failureCount: 0, lostCount: 2 }],
  [['lost', 'lost', 'lost'], 'FAILED', 'lost', { failureCount: 0, lostCount: 3 }],
  [
    ['provider', 'infrastructure', 'lost', 'provider', 'infrastructure', 'lost', 'task'],
    'TODO',
    null,
    { failureCount: 1, lostCount: 2 },
  ],
  [['given back', 'given back', 'given back', 'given back'], 'TODO', null, { failureCount: 0, lostCount: 0 }],
];

test.each(CASES)('%j leave it %s, spent: %s', async (endings, status, spent, counts) => {
  const { engine, clock } = fixture;
  clock.now = new Date('2026-03-09T12:00:00Z');
  const orchestrator = await fixture.orchestrator();
  const { id } = await fixture.task(orchestrator, { maxAttempts: 2 });
  for (const ending of endings) {
    const { availableAt } = await engine.getTask(id);
    if (availableAt !== null && availableAt > clock.now) clock.now = availableAt;
    const { claims } = await engine.claimNextTask(orchestrator.id, { leaseSeconds: 30 });
    const attemptId = claims[0]?.attempt.id ?? '';
    expect(claims[0]?.task.id).toBe(id);
    if (ending === 'lost') {
      clock.advanceSeconds(31);
      await engine.sweepExpiredLeases();
      // A dead daemon's task is back at once.
      expect((await engine.getTask(id)).availableAt).toBeNull();
    } else if (ending === 'given back') await engine.releaseAttempt(attemptId);
    else if (ending === 'timed out')
      await engine.completeTask(id, { status: 'failed', attemptId, failureClass: 'agent', timedOut: true });
    else await engine.completeTask(id, { status: 'failed', attemptId, failureClass: ending });
  }
  expect(await engine.getTask(id)).toMatchObject({ status, attemptCount: endings.length, ...counts });
  const { deadLetters } = await engine.listDeadLetters({ orchestratorId: orchestrator.id });
  expect(deadLetters.map((letter) => letter.spent)).toEqual(spent === null ? [] : [spent]);
});

import { describe, expect, test } from 'vitest';
import type { NewTask } from '../src/index.js';
import { createFixture } from './support/engineFixture.js';

const fixture = createFixture();

/** A diamond: b and c after a, d after both. */
const diamond: NewTask[] = [
  { key: 'a', title: 'A' },
  { key: 'b', title: 'B', dependsOn: ['a'] },
  { key: 'c', title: 'C', dependsOn: ['a'] },
  { key: 'd', title: 'D', dependsOn: ['b', 'c'] },
];

async function nothingDrifted(): Promise<void> {
  const { repaired, runs } = await fixture.engine.recalculateAllStatuses();
  expect({ repaired, runs }).toEqual({ repaired: [], runs: [] });
}

describe('the life of a run', () => {
  test('nothing is handed out before the start, and the last task ends the run', async () => {
    const { engine } = fixture;
    const orchestrator = await fixture.orchestrator();
    const run = await engine.createRun({ name: 'Diamond', orchestratorId: orchestrator.id, tasks: diamond });
    expect(run).toMatchObject({ status: 'PENDING', counts: { total: 4, todo: 1, blocked: 3 } });
    expect(await engine.selectNextTask(orchestrator.id)).toBeNull();
    expect((await engine.claimNextTask(orchestrator.id)).claims).toEqual([]);

    await engine.startRun(run.id);
    const done: string[] = [];
    for (;;) {
      const step = await engine.executeStep(run.id, ({ task }) => ({ did: task.title }));
      if (step === null) break;
      done.push(step.task.title);
    }
    expect(done).toEqual(['A', 'B', 'C', 'D']);
    expect(await engine.getRun(run.id)).toMatchObject({
      status: 'SUCCEEDED',
      counts: { total: 4, done: 4 },
      reason: null,
    });
    await nothingDrifted();
  });
});

import { expect } from 'vitest';
import type { NewRun, NewTask, Run, RunSettings, Task } from '../../src/index.js';
import type { EngineFixture } from './engineFixture.js';
import { refusal } from './history.js';

/** A diamond: b and c after a, d after both. */
export const diamond: NewTask[] = [
  { key: 'a', title: 'A' },
  { key: 'b', title: 'B', dependsOn: ['a'] },
  { key: 'c', title: 'C', dependsOn: ['a'] },
  { key: 'd', title: 'D', dependsOn: ['b', 'c'] },
];

/** As many tasks as asked for, none of which waits. */
export function independent(count: number): NewTask[] {
  return Array.from({ length: count }, (_, n) => ({ key: `t${n}`, title: `T${n}` }));
}

/** A started run of an orchestrator with room for all of it, and its tasks by title. */
export async function startedRun(
  fixture: EngineFixture,
  tasks: readonly NewTask[],
  config: RunSettings = {},
  overrides: Partial<NewRun> = {},
): Promise<{ run: Run; orchestratorId: string; byTitle: Map<string, Task> }> {
  const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 100 });
  const run = await fixture.engine.createRun({
    name: 'A run',
    orchestratorId: orchestrator.id,
    tasks,
    config: { maxConcurrentTasks: 100, ...config },
    ...overrides,
  });
  const listed = await fixture.engine.listTasks({ runId: run.id, limit: 500 });
  return {
    run: await fixture.engine.startRun(run.id),
    orchestratorId: orchestrator.id,
    byTitle: new Map(listed.tasks.map((task) => [task.title, task])),
  };
}

/** Claims for an orchestrator within a run; the titles with their attempts, in the order of the claims. */
export async function claimAll(
  fixture: EngineFixture,
  orchestratorId: string,
  runId: string,
  max = 100,
): Promise<{ title: string; taskId: string; attemptId: string }[]> {
  const { claims } = await fixture.engine.claimNextTask(orchestratorId, { max, criteria: { runId } });
  return claims.map(({ task, attempt }) => ({ title: task.title, taskId: task.id, attemptId: attempt.id }));
}

export async function expectNoDrift(fixture: EngineFixture): Promise<void> {
  const { repaired, runs } = await fixture.engine.recalculateAllStatuses();
  expect({ repaired, runs }).toEqual({ repaired: [], runs: [] });
}

/** The code that a call is refused with. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  return (await refusal(call)).code;
}

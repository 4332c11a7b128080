import { openDatabase } from '@neolith/database';
import { createTestDatabase, type TestDatabase } from '@neolith/database/testing';
import { afterAll, beforeAll } from 'vitest';
import { createWorkEngine } from '../../src/createWorkEngine.js';
import type { NewOrchestrator, NewTask, OrchestratorDetail, Task, WorkEngine } from '../../src/index.js';

/** A time that tests set; null gives the time back to the database. */
export interface TestClock {
  now: Date | null;
  advanceSeconds(seconds: number): void;
}

export interface EngineFixture {
  /** More engines on the same database, each with a pool of its own: other processes, as far as the database knows. */
  others(count: number, poolSize?: number): WorkEngine[];
  readonly engine: WorkEngine;
  readonly clock: TestClock;
  readonly test: TestDatabase;
  readonly faults: unknown[];
  /** An orchestrator that is ONLINE, with coherent defaults. */
  orchestrator(overrides?: Partial<NewOrchestrator>): Promise<OrchestratorDetail>;
  /** Another workspace on the same database, with an orchestrator and a task. */
  foreign(): Promise<{ engine: WorkEngine; orchestrator: OrchestratorDetail; task: Task }>;
  /** A task of an orchestrator. */
  task(orchestrator: { id: string }, overrides?: Partial<NewTask>): Promise<Task>;
}

let made = 0;

/** A database of the test file's own, an engine with a clock that it sets, and factories. */
export function createFixture(
  options: { poolSize?: number; statementTimeoutMs?: number } = {},
): EngineFixture {
  const clock: TestClock = {
    now: null,
    advanceSeconds(seconds) {
      clock.now = new Date((clock.now ?? new Date()).getTime() + seconds * 1_000);
    },
  };
  const fixture: { test?: TestDatabase; engine?: WorkEngine; workspaceId?: string } = {};
  const faults: unknown[] = [];
  const opened: { engine: WorkEngine; close(): Promise<void> }[] = [];
  beforeAll(async () => {
    fixture.test = await createTestDatabase(options);
    const engine = createWorkEngine({
      ...fixture.test.database,
      // Who asks for one connection watches what goes over it.
      ...(options.poolSize === 1 ? { vitalPool: fixture.test.database.pool } : {}),
      // A clock that gives no time leaves it to the database.
      clock: () => clock.now as Date,
      onError: (error) => faults.push(error),
    });
    const workspace = await engine.createWorkspace({ slug: 'test', name: 'Test' });
    fixture.workspaceId = workspace.id;
    fixture.engine = engine.as({ workspaceId: workspace.id });
  });
  afterAll(async () => {
    await Promise.all(
      opened.map(async (other) => {
        await other.engine.close();
        await other.close();
      }),
    );
    await fixture.engine?.close();
    await fixture.test?.drop();
  });
  const engine = () => fixture.engine as WorkEngine;
  return {
    get engine() {
      return engine();
    },
    get test() {
      return fixture.test as TestDatabase;
    },
    clock,
    faults,
    others: (count, poolSize = 4) =>
      Array.from({ length: count }, () => {
        const database = openDatabase((fixture.test as TestDatabase).url, { poolSize });
        const other = createWorkEngine({
          ...database,
          clock: () => clock.now as Date,
          onError: (error) => faults.push(error),
        }).as({ workspaceId: fixture.workspaceId as string });
        opened.push({ engine: other, close: () => database.close() });
        return other;
      }),
    orchestrator: (overrides = {}) => {
      made += 1;
      return engine().createOrchestrator({
        name: `Orchestrator ${made}`,
        role: 'Engineer',
        discipline: 'Engineering',
        ...overrides,
      });
    },
    async foreign() {
      made += 1;
      const workspace = await engine().createWorkspace({ slug: `other-${made}`, name: 'Other' });
      const other = engine().as({ workspaceId: workspace.id });
      const orchestrator = await other.createOrchestrator({ name: 'Foreign', role: 'r', discipline: 'd' });
      const task = await other.createTask({ title: 'Foreign', orchestratorId: orchestrator.id });
      return { engine: other, orchestrator, task };
    },
    task: (orchestrator, overrides = {}) =>
      engine().createTask({ title: 'A task', orchestratorId: orchestrator.id, ...overrides }),
  };
}

import { ERROR_STATUS, isNeolithError, parseId } from '@neolith/contracts';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import type { WorkEngine } from '../../src/index.js';
import { createFixture } from '../support/engineFixture.js';
import { readHistory } from '../support/history.js';
import { readBreaches, readMoves, watchDatabase } from './support/watch.js';
import { ACTIONS, readView, type Step, type StepKind, settingsOf, tasksOf } from './support/world.js';

const fixture = createFixture({ statementTimeoutMs: 60_000 });
let engines: WorkEngine[] = [];
beforeAll(async () => {
  await watchDatabase(fixture.test.database.pool);
  engines = fixture.others(3);
});

/** What happens often in life happens often here; the rest now and then. */
const WEIGHTS: Partial<Record<StepKind, number>> = {
  claim: 16,
  complete: 14,
  completeCode: 3,
  requestMerge: 8,
  completeMerge: 6,
  failMerge: 3,
  fail: 6,
  startRun: 6,
  sweep: 3,
  createTasks: 2,
  addDependency: 3,
  removeDependency: 2,
  cancelTask: 2,
  retryTask: 3,
  stopRun: 1,
  pauseRun: 1,
  completeRun: 1,
  deleteRun: 1,
  blockTask: 1,
};
const kind = fc.oneof(
  ...Object.keys(ACTIONS).map((name) => ({
    arbitrary: fc.constant(name as StepKind),
    weight: WEIGHTS[name as StepKind] ?? 2,
  })),
);
/** Without bias: it would do everything to the first task, over and over. */
const number = fc.noBias(fc.nat({ max: 9_999 }));
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.noBias(kind),
  by: fc.noBias(fc.nat({ max: 2 })),
  a: number,
  b: number,
  c: number,
});
const rounds = (atOnce: number) =>
  fc.noBias(
    fc.array(
      fc.record({
        steps: fc.array(step, { minLength: 1, maxLength: atOnce }),
        /** Then so much time goes by. */
        seconds: fc.constantFrom(0, 0, 0, 0, 0, 0, 1, 5, 15, 45, 130, 700),
      }),
      { minLength: 10, maxLength: 40, size: 'max' },
    ),
  );
const story = (atOnce: number) =>
  fc.record({ first: number, second: number, configs: fc.tuple(number, number), rounds: rounds(atOnce) });
type Story = ReturnType<typeof story> extends fc.Arbitrary<infer Value> ? Value : never;

let stories = 0;
const tally = { done: 0, refused: new Map<string, number>(), by: new Map<StepKind, number>() };

async function live(told: Story): Promise<void> {
  stories += 1;
  fixture.clock.now = new Date('2026-11-21T12:00:00.000Z');
  const { pool } = fixture.test.database;
  const workspace = await fixture.engine.createWorkspace({ slug: `story-${stories}`, name: 'Story' });
  const uuid = parseId('workspace', workspace.id) as string;
  const scoped = engines.map((engine) => engine.as({ workspaceId: workspace.id }));
  const [engine] = scoped as [WorkEngine];
  const orchestrators: string[] = [];
  for (const maxConcurrentTasks of [1, 2, 3]) {
    const { id } = await engine.createOrchestrator({
      name: `O${maxConcurrentTasks}`,
      role: 'r',
      discipline: 'd',
      maxConcurrentTasks,
    });
    orchestrators.push(id);
  }
  await engine.createTasks(tasksOf(told.first, 4, orchestrators, []));
  for (const [index, config] of told.configs.entries()) {
    const { tasks } = await readView(pool, uuid, orchestrators);
    const run = await engine.createRun({
      name: 'A run',
      config: settingsOf(config),
      tasks: tasksOf(
        told.second + index,
        7,
        orchestrators,
        tasks.map(({ id }) => id),
      ),
    });
    if (index === 0) await engine.startRun(run.id);
  }

  for (const round of told.rounds) {
    const view = await readView(pool, uuid, orchestrators);
    const faults: unknown[] = [];
    await Promise.all(
      round.steps.map(async (one) => {
        try {
          const given = ACTIONS[one.kind](scoped[one.by] as WorkEngine, view, one);
          if (given === undefined) return;
          await given;
          tally.done += 1;
          tally.by.set(one.kind, (tally.by.get(one.kind) ?? 0) + 1);
        } catch (error) {
          if (!isNeolithError(error) || ![404, 409].includes(ERROR_STATUS[error.code]))
            faults.push([one, error]);
          else tally.refused.set(error.code, (tally.refused.get(error.code) ?? 0) + 1);
        }
      }),
    );
    expect(faults).toEqual([]);
    expect(await readBreaches(pool, uuid)).toEqual([]);
    const { repaired, runs } = await engine.recalculateAllStatuses();
    expect({ repaired, runs }).toEqual({ repaired: [], runs: [] });
    fixture.clock.advanceSeconds(round.seconds);
  }
  // What is due without anybody's doing.
  for (let settled = false; !settled; ) {
    const { lost, runs } = await engine.sweepExpiredLeases();
    settled = lost.length + runs.length === 0;
  }
  expect(await overdue(uuid)).toEqual([]);
  expect(await readBreaches(pool, uuid)).toEqual([]);
  await historyIsWhole(engine, uuid);
}

/** Runs that should have ended, or opened their next wave, and have not. */
async function overdue(workspaceUuid: string): Promise<unknown[]> {
  const { rows } = await fixture.test.database.pool.query(
    `WITH stands AS (
       SELECT r.id, r.status, r.waves, r.failure_policy <> 'continue' AND (r.failures_in_row >= r.threshold_consecutive
                OR r.attempts_ended >= r.threshold_min_attempts AND r.attempts_failed >= r.threshold_rate * r.attempts_ended) AS crossed, r.current_wave, r.started_at + r.timeout_seconds * interval '1 second' AS ends_at,
              count(t.id) AS tasks,
              count(t.id) FILTER (WHERE t.status IN ('TODO', 'IN_PROGRESS', 'MERGING')) AS live,
              count(t.id) FILTER (WHERE t.status IN ('TODO', 'IN_PROGRESS', 'MERGING') AND t.wave <= r.current_wave) AS live_here,
              count(t.id) FILTER (WHERE t.status = 'BLOCKED' AND NOT watch.is_doomed(t.id, r.id)) AS reachable,
              count(t.id) FILTER (WHERE t.status = 'BLOCKED' AND t.wave <= r.current_wave AND NOT watch.is_doomed(t.id, r.id)) AS reachable_here,
              count(t.id) FILTER (WHERE t.wave > r.current_wave) AS later
       FROM runs r LEFT JOIN tasks t ON t.run_id = r.id WHERE r.workspace_id = $1 GROUP BY r.id)
     SELECT * FROM stands WHERE tasks > 0 AND (
       status IN ('RUNNING', 'PAUSED') AND live + reachable = 0
       OR status = 'RUNNING' AND (ends_at <= $2 OR crossed AND live > 0)
       OR status IN ('RUNNING', 'PAUSED') AND waves = 'strict' AND live_here + reachable_here = 0 AND later > 0)`,
    [workspaceUuid, fixture.clock.now],
  );
  return rows;
}

/** Every change of status is told by one event, in its order, and nothing else is told. */
async function historyIsWhole(engine: WorkEngine, workspaceUuid: string): Promise<void> {
  const told = new Map<string, string[]>();
  for (const { taskId, runId, from, to } of await readHistory(engine)) {
    if (from === null || to === null || from === to) continue;
    const entity = taskId === null ? parseId('run', runId as string) : parseId('task', taskId);
    told.set(entity as string, [...(told.get(entity as string) ?? []), `${from} → ${to}`]);
  }
  const moves = await readMoves(fixture.test.database.pool, workspaceUuid);
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(moves));
}

/** More stories explore; QUICK tells the first failure as it is, instead of looking for the smallest. */
const options = {
  numRuns: Number(process.env.NEOLITH_TEST_STORIES ?? 20),
  endOnFailure: process.env.NEOLITH_TEST_QUICK === '1',
};

test('whatever several engines do to runs at once, no rule is broken', { timeout: 3_600_000 }, async () => {
  await fc.assert(fc.asyncProperty(story(8), live), options);
  if (process.env.NEOLITH_TEST_STORIES) console.log(tally);
});

test('whatever is done to runs one after another, no rule is broken', { timeout: 3_600_000 }, async () => {
  await fc.assert(fc.asyncProperty(story(1), live), options);
});

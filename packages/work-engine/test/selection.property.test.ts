import { formatId, parseId } from '@neolith/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Criteria,
  compareRank,
  endOfLocalDay,
  type NewTask,
  type ScoringSettings,
  scoreTask,
  type Task,
} from '../src/index.js';
import { createFixture } from './support/engineFixture.js';
import { CLOCK_CHANGES } from './support/localDays.js';

const fixture = createFixture();

const HOUR = 3_600_000;
const PRIORITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'] as const;
const TAGS = ['api', 'web', 'docs'];

/** Where a due date can make a difference: on and beside every border, and anywhere. */
const dueShift = fc.oneof(
  fc.constant(null),
  fc
    .constantFrom('now', 'day end', '72 hours')
    .chain((border) => fc.integer({ min: -1, max: 1 }).map((ms) => ({ border, ms }))),
  fc.integer({ min: -5 * 24 * HOUR, max: 10 * 24 * HOUR }).map((ms) => ({ border: 'now', ms })),
);

const draft = fc.record({
  priority: fc.constantFrom(...PRIORITIES),
  due: dueShift,
  /** Few values, so that ties reach the id. */
  ageMs: fc.integer({ min: 0, max: 2 }),
  tags: fc.subarray(TAGS),
  availableMs: fc.constantFrom(null, null, null, -HOUR, 0, 1, HOUR),
});
type Draft = typeof draft extends fc.Arbitrary<infer Value> ? Value : never;

type Four = [number, number, number, number];
interface Settings {
  priorityWeights: Four;
  deadlineBoosts: Four;
}

const settings: fc.Arbitrary<Settings> = fc.oneof(
  fc.constant<Settings>({ priorityWeights: [1000, 100, 10, 1], deadlineBoosts: [10, 5, 2, 1] }),
  // Flat boosts and steep weights, and the other way round: across priorities everything can happen.
  fc.constantFrom<Settings[]>(
    { priorityWeights: [4, 3, 2, 1], deadlineBoosts: [50, 7, 7, 1] },
    { priorityWeights: [1.5, 1.25, 1, 0.5], deadlineBoosts: [3, 2, 1, 1] },
    { priorityWeights: [1e6, 10, 9, 8], deadlineBoosts: [1, 1, 1, 1] },
  ),
);

const rarely = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined, freq: 3 });
/** Mostly few criteria at once: many together leave nothing to compare. */
const criteria: fc.Arbitrary<Criteria & { excludeAt: number[] }> = fc.record({
  requireTags: fc.oneof(
    { weight: 3, arbitrary: fc.constant<string[]>([]) },
    { weight: 2, arbitrary: fc.subarray(TAGS, { maxLength: 2 }) },
  ),
  excludeTags: fc.oneof(
    { weight: 4, arbitrary: fc.constant<string[]>([]) },
    { weight: 1, arbitrary: fc.subarray(TAGS, { maxLength: 1 }) },
  ),
  minPriority: rarely(fc.constantFrom('HIGH', 'MEDIUM')),
  maxPriority: rarely(fc.constantFrom('HIGH', 'MEDIUM')),
  excludeAt: fc.array(fc.nat({ max: 30 }), { maxLength: 3 }),
});

const backlog = fc.record({
  change: fc.constantFrom(...CLOCK_CHANGES),
  shiftMs: fc.integer({ min: -40 * HOUR, max: 40 * HOUR }),
  drafts: fc.oneof(
    { weight: 1, arbitrary: fc.array(draft, { maxLength: 3 }) },
    { weight: 4, arbitrary: fc.array(draft, { minLength: 6, maxLength: 14 }) },
  ),
  settings,
  criteria,
  claimSizes: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 }),
});

function toNewTask(orchestratorId: string, task: Draft, now: Date, timeZone: string): NewTask {
  const borders: Record<string, number> = {
    now: now.getTime(),
    'day end': endOfLocalDay(now, timeZone).getTime(),
    '72 hours': now.getTime() + 72 * HOUR,
  };
  return {
    title: 'A task',
    orchestratorId,
    priority: task.priority,
    tags: task.tags,
    dueAt: task.due === null ? null : new Date((borders[task.due.border] as number) + task.due.ms),
    createdAt: new Date(now.getTime() - 90 * 24 * HOUR - task.ageMs),
    availableAt: task.availableMs === null ? null : new Date(now.getTime() + task.availableMs),
  };
}

/** The rule, told once more without any index: filter, score, sort. */
function bruteForce(
  tasks: readonly Task[],
  now: Date,
  timeZone: string,
  scoring: ScoringSettings,
  asked: Criteria,
): { id: string; weight: number; boost: number; score: number }[] {
  const level = (priority: (typeof PRIORITIES)[number]) => PRIORITIES.indexOf(priority);
  return tasks
    .filter(
      (task) =>
        (task.availableAt === null || task.availableAt <= now) &&
        (asked.requireTags ?? []).every((tag) => task.tags.includes(tag)) &&
        !(asked.excludeTags ?? []).some((tag) => task.tags.includes(tag)) &&
        level(task.priority) <= level(asked.minPriority ?? 'LOW') &&
        level(task.priority) >= level(asked.maxPriority ?? 'CRITICAL') &&
        !(asked.excludeTaskIds ?? []).includes(task.id),
    )
    .map((task) => ({ ...task, ...scoreTask(task, now, timeZone, scoring) }))
    .sort(compareRank)
    .map(({ id, weight, boost, score }) => ({ id, weight, boost, score }));
}

test('selection, ranking and the order of claims are what filtering, scoring and sorting everything gives', async () => {
  let current: Settings | undefined;
  const seen = { backlogs: 0, tasks: 0, boosts: new Set<number>() };
  // All of one user, by one statement each: three hundred of them are made here.
  const { userId, workspaceId } = await fixture.orchestrator();
  async function addOrchestrator(timeZone: string): Promise<string> {
    const { rows } = await fixture.test.database.pool.query<{ id: string }>(
      `INSERT INTO orchestrators (id, workspace_id, user_id, name, role, discipline, status, max_concurrent_tasks, time_zone, updated_at)
       SELECT i.id, $1, $2, i.id, 'Engineer', 'Engineering', 'ONLINE', 1000, $3, now() FROM (SELECT gen_random_uuid() AS id) i RETURNING id`,
      [parseId('workspace', workspaceId), parseId('user', userId), timeZone],
    );
    return formatId('orchestrator', (rows[0] as { id: string }).id);
  }
  await fc.assert(
    fc.asyncProperty(backlog, async (given) => {
      const [timeZone, at] = given.change;
      const now = new Date(Date.parse(at) + given.shiftMs);
      // Made earlier: what becomes available until now is delayed then, and its time comes.
      fixture.clock.now = new Date(now.getTime() - 2 * HOUR);
      const { engine } = fixture;
      if (current !== given.settings) await engine.updateWorkspace(given.settings);
      current = given.settings;
      const orchestrator = { id: await addOrchestrator(timeZone) };
      const tasks = await engine.createTasks(
        given.drafts.map((task) => toNewTask(orchestrator.id, task, now, timeZone)),
      );
      fixture.clock.now = now;
      const { excludeAt, ...rest } = given.criteria;
      const excludeTaskIds = excludeAt.flatMap((index) => tasks[index]?.id ?? []);
      const asked: Criteria = { ...rest, excludeTaskIds };
      const expected = bruteForce(tasks, now, timeZone, given.settings, asked);

      const { ranking, reason } = await engine.rankTasks(orchestrator.id, { ...asked, limit: 500 });
      expect(
        ranking.map(({ task, weight, boost, score }) => ({ id: task.id, weight, boost, score })),
      ).toEqual(expected);
      expect(reason).toBe(expected.length === 0 ? 'NOTHING_ELIGIBLE' : null);
      expect((await engine.selectNextTask(orchestrator.id, asked))?.id).toBe(expected[0]?.id);

      const claimed: (typeof expected)[number][] = [];
      for (const max of given.claimSizes) {
        const { claims } = await engine.claimNextTask(orchestrator.id, { max, criteria: asked });
        claimed.push(
          ...claims.map(({ task, score }) => ({
            id: task.id,
            ...(score as { weight: number; boost: number; score: number }),
          })),
        );
      }
      const wanted = given.claimSizes.reduce((sum, max) => sum + max, 0);
      expect(claimed).toEqual(expected.slice(0, wanted));

      seen.backlogs += 1;
      seen.tasks += expected.length;
      for (const { boost } of expected) seen.boosts.add(boost);
    }),
    { numRuns: 300 },
  );
  // It would prove nothing over empty backlogs.
  expect(seen.backlogs).toBeGreaterThanOrEqual(300);
  expect(seen.tasks).toBeGreaterThan(400);
  expect(seen.boosts.size).toBeGreaterThanOrEqual(6);
  expect(await fixture.engine.recalculateAllStatuses()).toMatchObject({ repaired: [] });
});

import { isNeolithError, parseId } from '@neolith/contracts';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import type { RunConfig, Settlement, WorkEngine } from '../../src/index.js';
import { createFixture } from '../support/engineFixture.js';
import { type Ending, RunModel } from './support/model.js';
import { readBreaches, watchDatabase } from './support/watch.js';
import { pick, settingsOf, tasksOf } from './support/world.js';

const fixture = createFixture();
beforeAll(() => watchDatabase(fixture.test.database.pool));

const KINDS = {
  claim: 20,
  complete: 18,
  fail: 5,
  reportBlocked: 1,
  release: 1,
  confirmCancelled: 3,
  requestMerge: 10,
  completeMerge: 8,
  failMerge: 3,
  start: 2,
  pause: 1,
  resume: 2,
  stop: 1,
  releaseRun: 2,
  retryRun: 2,
  resetRun: 2,
  cancelTask: 3,
  retryTask: 2,
  reopenTask: 2,
  blockTask: 1,
  unblockTask: 2,
  link: 3,
  unlink: 2,
  createTask: 2,
  configure: 1,
} as const;
type Kind = keyof typeof KINDS;
const kind = fc.oneof(
  ...Object.entries(KINDS).map(([name, weight]) => ({ arbitrary: fc.constant(name as Kind), weight })),
);
/** Without bias: it would do everything to the first task, over and over. */
const number = fc.noBias(fc.nat({ max: 9_999 }));
const story = fc.record({
  seed: number,
  configs: fc.array(number, { minLength: 2, maxLength: 2 }),
  strict: fc.boolean(),
  steps: fc.noBias(
    fc.array(
      fc.record({
        kind: fc.noBias(kind),
        a: number,
        b: number,
        seconds: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 10, 10, 45, 130),
      }),
      { minLength: 40, maxLength: 100, size: 'max' },
    ),
  ),
});
type Story = typeof story extends fc.Arbitrary<infer Value> ? Value : never;
type Step = Story['steps'][number];

const TASK_STATUSES: Partial<Record<Kind, readonly string[]>> = {
  retryTask: ['FAILED', 'CANCELLED'],
  reopenTask: ['DONE'],
  unblockTask: ['BLOCKED'],
  blockTask: ['TODO', 'BLOCKED'],
  cancelTask: ['IN_PROGRESS', 'MERGING', 'TODO', 'BLOCKED'],
  link: ['TODO', 'BLOCKED'],
};
const RUN_STATUSES: Partial<Record<Kind, readonly string[]>> = {
  start: ['PENDING'],
  pause: ['RUNNING'],
  resume: ['PAUSED'],
  stop: ['RUNNING', 'PAUSED', 'QUARANTINED'],
  releaseRun: ['QUARANTINED'],
  retryRun: ['FAILED', 'QUARANTINED'],
  resetRun: ['PAUSED', 'QUARANTINED', 'SUCCEEDED', 'FAILED', 'CANCELLED'],
};
const LEASE_SECONDS = 40;
const POLICIES = ['block', 'cancel', 'release'] as const;
const CLASSES = ['task', 'provider', 'infrastructure'] as const;
let stories = 0;
const tally = new Map<string, number>();

/** Engine and model side by side: what one accepts the other does, and then both look alike. */
class Pair {
  readonly model = new RunModel();
  /** Ended ones, which must stay fenced off. */
  readonly stale: { taskId: string; attemptId: string }[] = [];

  constructor(
    readonly engine: WorkEngine,
    readonly orchestrators: readonly string[],
  ) {}

  async addRun(config: number, seed: number, strict: boolean): Promise<void> {
    const settings = { ...settingsOf(config), ...(strict ? { waves: 'strict' as const } : {}) };
    const outside = [...this.model.tasks.keys()];
    const tasks = tasksOf(seed, 8, this.orchestrators, outside).map((task) => ({
      ...task,
      status: 'TODO' as const,
    }));
    const run = await this.engine.createRun({ name: 'A run', config: settings, tasks });
    this.model.runs.set(run.id, {
      ...{ id: run.id, status: 'PENDING', config: run.config, startedAt: 0, currentWave: 0, opensAt: 0 },
      ...{ failuresInRow: 0, attemptsEnded: 0, attemptsFailed: 0 },
    });
    const { tasks: made } = await this.engine.getRunSnapshot(run.id);
    const idOf = new Map(made.map(({ title, id }) => [`t${title.split(' ')[1]}`, id]));
    for (const [index, task] of tasks.entries())
      this.model.addTask(
        {
          id: idOf.get(`t${index}`) as string,
          runId: run.id,
          orchestratorId: task.orchestratorId ?? null,
          maxAttempts: task.maxAttempts ?? 3,
        },
        (task.dependsOn ?? []).map((name) => idOf.get(name) ?? name),
      );
  }

  private fitting<One extends { status: string }>(
    all: readonly One[],
    statuses: readonly string[] | undefined,
    b: number,
  ): readonly One[] {
    const fitting = b % 6 === 0 ? [] : all.filter(({ status }) => statuses?.includes(status));
    return fitting.length > 0 ? fitting : all;
  }

  async do({ kind, a, b }: Step): Promise<unknown> {
    const { engine, model } = this;
    // Mostly one where it means something, sometimes any.
    const task = pick(this.fitting([...model.tasks.values()], TASK_STATUSES[kind], b), a);
    const run = pick(this.fitting([...model.runs.values()], RUN_STATUSES[kind], b), a);
    const leased = [...model.tasks.values()].filter(({ lease }) => lease !== null);
    const merging = leased.filter(({ lease }) => lease?.merging);
    const holder = pick(
      ['requestMerge', 'completeMerge', 'failMerge'].includes(kind) && merging.length > 0 ? merging : leased,
      a,
    );
    const held =
      b % 8 === 7
        ? pick(this.stale, a)
        : holder?.lease && { taskId: holder.id, attemptId: holder.lease.attemptId };
    const verbs = {
      start: 'startRun',
      pause: 'pauseRun',
      resume: 'resumeRun',
      stop: 'stopRun',
      releaseRun: 'releaseRun',
      retryRun: 'retryRun',
      resetRun: 'resetRun',
    } as const;
    switch (kind) {
      case 'claim':
        return this.claim(a, b);
      case 'start':
      case 'pause':
      case 'resume':
      case 'stop':
      case 'releaseRun':
      case 'retryRun':
      case 'resetRun':
        if (!run) return;
        return this.same(kind, engine[verbs[kind]](run.id), () =>
          model.move(
            run.id,
            kind === 'releaseRun'
              ? 'release'
              : kind === 'retryRun'
                ? 'retry'
                : kind === 'resetRun'
                  ? 'reset'
                  : kind,
          ),
        );
      case 'complete':
        return (
          held &&
          this.end(kind, held, { result: 'completed' }, (id, attemptId) =>
            engine.completeTask(id, { status: 'completed', attemptId }),
          )
        );
      case 'reportBlocked':
        return (
          held &&
          this.end(kind, held, { result: 'blocked' }, (id, attemptId) =>
            engine.completeTask(id, { status: 'blocked', attemptId, error: 'Stuck' }),
          )
        );
      case 'release':
        return (
          held &&
          this.end(kind, held, { result: 'released' }, (_, attemptId) => engine.releaseAttempt(attemptId))
        );
      case 'confirmCancelled':
        return (
          held &&
          this.end(kind, held, { result: 'cancelled' }, (_, attemptId) => engine.confirmCancelled(attemptId))
        );
      case 'completeMerge':
        return (
          held &&
          this.end(kind, held, { result: 'merged' }, (id, attemptId) =>
            engine.completeMerge(id, { attemptId }),
          )
        );
      case 'failMerge':
        return (
          held &&
          this.end(kind, held, { result: 'merge_failed' }, (id, attemptId) =>
            engine.failMerge(id, { attemptId, error: 'A conflict' }),
          )
        );
      case 'fail': {
        const failureClass = CLASSES[b % 3] ?? 'task';
        const policy = b % 5 === 0 ? POLICIES[b % 3] : undefined;
        return (
          held &&
          this.end(
            kind,
            held,
            { result: 'failed', failureClass, availableAt: 0 },
            (id, attemptId) =>
              engine.failTask(id, {
                attemptId,
                error: 'It failed',
                failureClass,
                onPrerequisiteFailure: policy,
              }),
            policy,
          )
        );
      }
      case 'requestMerge': {
        if (!held) return;
        return this.same(kind, engine.requestMerge(held.attemptId), (turn) => {
          const { accepted, granted } = model.requestMerge(held.attemptId);
          expect(['granted', granted]).toEqual(['granted', turn?.granted ?? false]);
          return accepted;
        });
      }
      case 'cancelTask': {
        const policy = b % 4 === 0 ? POLICIES[b % 3] : undefined;
        return (
          task &&
          this.same(kind, engine.cancelTask(task.id, { onPrerequisiteFailure: policy }), () =>
            model.cancel(task.id, policy),
          )
        );
      }
      case 'retryTask':
        return task && this.same(kind, engine.retryTask(task.id), () => model.retry(task.id));
      case 'reopenTask':
        return task && this.same(kind, engine.reopenTask(task.id), () => model.reopen(task.id));
      case 'blockTask':
        return (
          task &&
          this.same(kind, engine.blockTask(task.id, { reason: 'A person stops it' }), () =>
            model.block(task.id),
          )
        );
      case 'unblockTask':
        return task && this.same(kind, engine.unblockTask(task.id), () => model.unblock(task.id));
      case 'link': {
        const other = pick([...model.tasks.values()], b);
        return (
          task &&
          other &&
          this.same(kind, engine.addDependency(task.id, other.id), () => model.link(task.id, other.id))
        );
      }
      case 'unlink': {
        const prerequisite = task && pick([...task.edges.keys()], b);
        return prerequisite === undefined
          ? undefined
          : this.same(kind, engine.removeDependency(task?.id as string, prerequisite), () =>
              model.unlink(task?.id as string, prerequisite),
            );
      }
      case 'createTask': {
        const prerequisites = task ? [task.id] : [];
        const orchestratorId = pick(this.orchestrators, b) ?? null;
        const target = pick([...model.runs.values()], b);
        return this.same(
          kind,
          engine.createTask({
            title: 'Added',
            orchestratorId,
            runId: target?.id ?? null,
            dependsOn: prerequisites,
          }),
          (made) => {
            if (target && ['SUCCEEDED', 'FAILED', 'CANCELLED'].includes(target.status)) return false;
            model.addTask(
              { id: made?.id ?? 'none', runId: target?.id ?? null, orchestratorId, maxAttempts: 3 },
              prerequisites,
            );
            return true;
          },
        );
      }
      case 'configure': {
        if (!run) return;
        const change = {
          maxConcurrentTasks: 1 + (b % 4),
          maxConcurrentMerges: 1 + (b % 3),
          onPrerequisiteFailure: POLICIES[b % 3] ?? 'block',
        } satisfies Partial<RunConfig>;
        return this.same(kind, engine.updateRunConfig(run.id, change), () => {
          if (['SUCCEEDED', 'FAILED', 'CANCELLED'].includes(run.status)) return false;
          run.config = { ...run.config, ...change };
          return true;
        });
      }
    }
  }

  /** `predict` gets what the engine answered; undefined where it refused. */
  private async same<Answer>(
    what: string,
    call: Promise<Answer>,
    predict: (answer: Answer | undefined) => boolean,
  ): Promise<void> {
    let answer: Answer | undefined;
    let refusal: string | null = null;
    try {
      answer = await call;
    } catch (error) {
      if (!isNeolithError(error)) throw error;
      refusal = error.code;
    }
    const outcome = `${what} ${refusal === null ? 'done' : 'refused'}`;
    tally.set(outcome, (tally.get(outcome) ?? 0) + 1);
    expect([what, predict(answer), refusal]).toEqual([what, refusal === null, refusal]);
  }

  async begin(runId: string): Promise<void> {
    await this.same('start', this.engine.startRun(runId), () => this.model.move(runId, 'start'));
  }

  private async end(
    what: string,
    { taskId, attemptId }: { taskId: string; attemptId: string },
    ending: Ending,
    call: (taskId: string, attemptId: string) => Promise<Settlement>,
    policy?: RunConfig['onPrerequisiteFailure'],
  ): Promise<void> {
    await this.same(what, call(taskId, attemptId), (answer) => {
      // An ended attempt may be told once more how it ended.
      if (this.model.byAttempt(attemptId) === undefined) return answer?.replayed === true;
      const availableAt = answer?.availableAt?.getTime() ?? 0;
      const accepted = this.model.end(
        attemptId,
        ending.result === 'failed' ? { ...ending, availableAt } : ending,
        policy,
      );
      if (this.model.byAttempt(attemptId) === undefined) this.stale.push({ taskId, attemptId });
      return accepted;
    });
  }

  private async claim(a: number, b: number): Promise<void> {
    const orchestrator = pick(this.orchestrators, a) as string;
    const runId = b % 4 === 0 ? pick([...this.model.runs.keys()], b) : undefined;
    const max = 1 + (b % 3);
    const { ids, amount } = this.model.claimable(orchestrator, runId, max);
    const { claims } = await this.engine.claimNextTask(orchestrator, {
      max,
      leaseSeconds: LEASE_SECONDS,
      criteria: { runId },
    });
    expect(['claims', claims.length]).toEqual(['claims', amount]);
    for (const { task, attempt } of claims) {
      expect([...ids]).toContain(task.id);
      this.model.start(task.id, attempt.id, LEASE_SECONDS);
    }
    tally.set('claimed', (tally.get('claimed') ?? 0) + claims.length);
  }

  async compare(): Promise<void> {
    for (;;) {
      const { lost, runs } = await this.engine.sweepExpiredLeases();
      for (const one of lost) this.stale.push(one);
      if (lost.length + runs.length === 0) break;
    }
    this.model.settle();
    const expected = { tasks: {} as Record<string, unknown>, runs: {} as Record<string, unknown> };
    const found: typeof expected = { tasks: {}, runs: {} };
    for (const run of this.model.runs.values()) {
      const { status, failuresInRow, attemptsEnded, attemptsFailed } = run;
      const currentWave = run.config.waves === 'strict' ? run.currentWave : null;
      expected.runs[run.id] = { status, failuresInRow, attemptsEnded, attemptsFailed, currentWave };
      const known = await this.engine.getRun(run.id);
      found.runs[run.id] = {
        ...{ status: known.status, failuresInRow: known.failuresInRow, attemptsEnded: known.attemptsEnded },
        ...{ attemptsFailed: known.attemptsFailed, currentWave: known.currentWave },
      };
      for (const task of this.model.tasksOf(run.id))
        expected.tasks[task.id] = [task.status, this.model.waveOf(task), task.reported];
      for (const task of (await this.engine.getRunSnapshot(run.id)).tasks)
        found.tasks[task.id] = [task.status, task.wave, task.blockedReason !== null];
    }
    expect(found).toEqual(expected);
  }
}

async function live(told: Story): Promise<void> {
  stories += 1;
  fixture.clock.now = new Date('2026-11-21T12:00:00.000Z');
  const workspace = await fixture.engine.createWorkspace({ slug: `model-${stories}`, name: 'Story' });
  const engine = fixture.engine.as({ workspaceId: workspace.id });
  const orchestrators: string[] = [];
  for (const maxConcurrentTasks of [2, 4]) {
    const made = await engine.createOrchestrator({
      name: `O${maxConcurrentTasks}`,
      role: 'r',
      discipline: 'd',
      maxConcurrentTasks,
    });
    orchestrators.push(made.id);
  }
  const pair = new Pair(engine, orchestrators);
  pair.model.limits.set(orchestrators[0] as string, 2).set(orchestrators[1] as string, 4);
  pair.model.now = fixture.clock.now.getTime();
  for (const [index, config] of told.configs.entries())
    await pair.addRun(config, told.seed + index, told.strict && index === 0);
  for (const run of pair.model.runs.values()) if (told.seed % 4 > 0) await pair.begin(run.id);
  await pair.compare();
  for (const step of told.steps) {
    await pair.do(step);
    await pair.compare();
    fixture.clock.advanceSeconds(step.seconds);
    pair.model.now += step.seconds * 1_000;
    if (step.seconds > 0) await pair.compare();
  }
  expect(
    await readBreaches(fixture.test.database.pool, parseId('workspace', workspace.id) as string),
  ).toEqual([]);
  const { repaired, runs } = await engine.recalculateAllStatuses();
  expect({ repaired, runs }).toEqual({ repaired: [], runs: [] });
}

test('the engine does what a model does that keeps no counts, step by step', {
  timeout: 3_600_000,
}, async () => {
  await fc.assert(fc.asyncProperty(story, live), {
    numRuns: Number(process.env.NEOLITH_TEST_STORIES ?? 15),
    endOnFailure: process.env.NEOLITH_TEST_QUICK === '1',
  });
  if (process.env.NEOLITH_TEST_STORIES) console.log(tally);
  expect(tally.get('claimed') ?? 0).toBeGreaterThan(20);
});

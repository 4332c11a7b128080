import { formatId } from '@neolith/contracts';
import type { Pool } from 'pg';
import type {
  NewTask,
  PlanImport,
  RunSettings,
  RunStatus,
  TaskStatus,
  WorkEngine,
} from '../../../src/index.js';

/** One thing that somebody does; the numbers choose among what there is, and how. */
export interface Step {
  kind: StepKind;
  /** By which engine. */
  by: number;
  a: number;
  b: number;
  c: number;
}

/** What there is at one moment. */
export interface View {
  orchestrators: readonly string[];
  tasks: readonly { id: string; status: TaskStatus; runId: string | null }[];
  runs: readonly { id: string; status: RunStatus }[];
  /** Live ones, then some that have ended. */
  attempts: readonly { id: string; taskId: string; live: boolean; merging: boolean }[];
  edges: readonly { dependent: string; prerequisite: string }[];
}

export async function readView(
  pool: Pool,
  workspaceUuid: string,
  orchestrators: readonly string[],
): Promise<View> {
  const ask = async <Row extends object>(text: string) =>
    (await pool.query(text, [workspaceUuid])).rows as Row[];
  const tasks = await ask<{ id: string; status: TaskStatus; run_id: string | null }>(
    'SELECT id, status, run_id FROM tasks WHERE workspace_id = $1 ORDER BY id',
  );
  const runs = await ask<{ id: string; status: RunStatus }>(
    'SELECT id, status FROM runs WHERE workspace_id = $1 ORDER BY id',
  );
  const attempts = await ask<{ id: string; task_id: string; live: boolean; merging: boolean }>(
    `(SELECT attempt_id AS id, task_id, true AS live, merging FROM leases WHERE workspace_id = $1 ORDER BY attempt_id)
     UNION ALL (SELECT id, task_id, false, false FROM attempts WHERE workspace_id = $1 ORDER BY ended_at DESC, id DESC LIMIT 3)`,
  );
  const edges = await ask<{ dependent_id: string; prerequisite_id: string }>(
    `SELECT d.dependent_id, d.prerequisite_id FROM task_dependencies d JOIN tasks t ON t.id = d.dependent_id
     WHERE t.workspace_id = $1 ORDER BY 1, 2`,
  );
  return {
    orchestrators,
    tasks: tasks.map((row) => ({
      id: formatId('task', row.id),
      status: row.status,
      runId: row.run_id === null ? null : formatId('run', row.run_id),
    })),
    runs: runs.map((row) => ({ id: formatId('run', row.id), status: row.status })),
    attempts: attempts.map((row) => ({
      ...row,
      id: formatId('attempt', row.id),
      taskId: formatId('task', row.task_id),
    })),
    edges: edges.map((row) => ({
      dependent: formatId('task', row.dependent_id),
      prerequisite: formatId('task', row.prerequisite_id),
    })),
  };
}

export function pick<Item>(items: readonly Item[], n: number): Item | undefined {
  return items[n % Math.max(items.length, 1)];
}

const TAGS = ['api', 'web'];
const PRIORITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'] as const;
const POLICIES = ['block', 'cancel', 'release'] as const;

/** Settings out of a number: each combination that matters is likely. */
export function settingsOf(n: number): RunSettings {
  const bit = (of: number) => Math.floor(n / of);
  return {
    maxConcurrentTasks: 1 + (n % 3),
    maxConcurrentMerges: 1 + (bit(3) % 2),
    mergeStage: bit(6) % 2 === 0,
    waves: bit(12) % 3 === 0 ? 'strict' : 'off',
    waveDelaySeconds: bit(36) % 3 === 0 ? 20 : 0,
    maxAgentsPerWave: bit(108) % 3 === 0 ? 1 : null,
    failurePolicy: (['continue', 'stop', 'quarantine'] as const)[bit(5) % 3] ?? 'continue',
    failureThreshold: { consecutive: 2 + (bit(7) % 3), rate: 0.5, minAttempts: 4 },
    onPrerequisiteFailure: POLICIES[bit(11) % 3] ?? 'block',
    timeoutSeconds: bit(13) % 5 === 0 ? 120 : null,
  };
}

/** Some of the settings, out of a number. */
function someSettings(n: number, seed: number): RunSettings {
  return Object.fromEntries(
    Object.entries(settingsOf(seed)).filter((_, index) => (n >> (index % 10)) % 2 === 1),
  ) as RunSettings;
}

/** A random graph: each task depends on some of those before it, and sometimes on one outside. */
export function tasksOf(
  n: number,
  amount: number,
  orchestrators: readonly string[],
  outside: readonly string[],
): NewTask[] {
  let state = (n * 2_654_435_761 + 1) >>> 0;
  const random = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  return Array.from({ length: amount }, (_, index) => {
    const dependsOn = new Set<string>();
    for (let edge = random(3); edge > 0 && index > 0; edge -= 1) dependsOn.add(`t${random(index)}`);
    const other = random(6) === 0 ? pick(outside, random(1_000)) : undefined;
    if (other !== undefined) dependsOn.add(other);
    return {
      key: `t${index}`,
      title: `Task ${index}`,
      orchestratorId: random(12) === 0 ? null : (pick(orchestrators, random(100)) ?? null),
      priority: PRIORITIES[random(4)] ?? 'LOW',
      tags: TAGS.filter(() => random(3) === 0),
      maxAttempts: 1 + random(3),
      status: random(25) === 0 ? 'DONE' : random(40) === 0 ? 'CANCELLED' : 'TODO',
      dependsOn: [...dependsOn],
    };
  });
}

/** One of the versions of a plan: the same tasks, but for edges, titles, and some that come and go. */
function planOf(view: View, a: number, b: number): PlanImport {
  const tasks = tasksOf(a % 2, 5 + (b % 3), view.orchestrators, []).map((task) => ({
    ...task,
    status: 'TODO' as const,
  }));
  return {
    name: `Plan ${a % 2}`,
    source: `plan-${a % 2}`,
    orchestratorId: view.orchestrators[0] ?? null,
    config: settingsOf(a % 2),
    tasks: tasks.map((task, index) => ({
      ...task,
      title: (b >> index) % 3 === 0 ? `${task.title}, told anew` : task.title,
      dependsOn: (b >> index) % 4 === 3 ? [] : (task.dependsOn ?? []),
    })),
    start: b % 5 === 0,
    dryRun: b % 7 === 0,
  } as PlanImport;
}

type Action = (engine: WorkEngine, view: View, step: Step) => Promise<unknown> | undefined;

const onRun =
  (
    verb:
      | 'startRun'
      | 'pauseRun'
      | 'resumeRun'
      | 'stopRun'
      | 'releaseRun'
      | 'retryRun'
      | 'resetRun'
      | 'completeRun'
      | 'deleteRun',
  ): Action =>
  (engine, { runs }, { a }) => {
    const run = pick(runs, a);
    return run && engine[verb](run.id);
  };
const onTask =
  (
    act: (engine: WorkEngine, taskId: string, step: Step) => Promise<unknown>,
    wanted: readonly TaskStatus[] = [],
  ): Action =>
  (engine, { tasks }, step) => {
    // Mostly one where it means something, sometimes any.
    const fitting = step.c % 5 === 0 ? [] : tasks.filter(({ status }) => wanted.includes(status));
    const task = pick(fitting.length > 0 ? fitting : tasks, step.a);
    return task && act(engine, task.id, step);
  };
/** An attempt that had ended may hear once more how; it may not change anything. */
function refuseStale(attempt: { id: string; live: boolean }, answer: unknown): void {
  const settled = answer as { replayed?: boolean } | undefined;
  if (!attempt.live && settled?.replayed === false)
    throw new Error(`${attempt.id} settled a task after its end`);
}

const onAttempt =
  (
    act: (engine: WorkEngine, attempt: { id: string; taskId: string }, step: Step) => Promise<unknown>,
    merging?: boolean,
  ): Action =>
  (engine, { attempts }, step) => {
    const fitting =
      step.c % 5 === 0
        ? []
        : attempts.filter((one) => one.live && (merging === undefined || one.merging === merging));
    const attempt = pick(fitting.length > 0 ? fitting : attempts, step.a);
    return attempt && act(engine, attempt, step).then((answer) => refuseStale(attempt, answer));
  };

const FAILURE_CLASSES = ['task', 'task', 'agent', 'provider', 'infrastructure'] as const;

/** Everything that can be done, by name. */
export const ACTIONS = {
  createRun: (engine, view, { a, b, c }) =>
    view.runs.length > 4
      ? undefined
      : engine.createRun({
          name: 'A run',
          config: settingsOf(b),
          tasks: tasksOf(
            a,
            1 + (c % 7),
            view.orchestrators,
            view.tasks.map(({ id }) => id),
          ),
        }),
  importPlan: (engine, view, { a, b }) => engine.importPlan(planOf(view, a, b)),
  startRun: (engine, { runs }, { a }) => {
    const run =
      pick(
        runs.filter(({ status }) => status === 'PENDING'),
        a,
      ) ?? pick(runs, a);
    return run && engine.startRun(run.id);
  },
  pauseRun: onRun('pauseRun'),
  resumeRun: onRun('resumeRun'),
  stopRun: onRun('stopRun'),
  releaseRun: onRun('releaseRun'),
  retryRun: onRun('retryRun'),
  resetRun: onRun('resetRun'),
  completeRun: onRun('completeRun'),
  deleteRun: onRun('deleteRun'),
  updateRunConfig: (engine, { runs }, { a, b, c }) => {
    const run = pick(runs, a);
    return run && engine.updateRunConfig(run.id, someSettings(b, c));
  },
  claim: (engine, view, { a, b, c }) => {
    const orchestrator = pick(view.orchestrators, a);
    const run = pick(view.runs, b);
    if (orchestrator === undefined) return undefined;
    return engine.claimNextTask(orchestrator, {
      max: 1 + (c % 3),
      ...(c % 4 === 0 ? { requestId: `request-${b % 6}` } : {}),
      leaseSeconds: c % 5 === 0 ? null : c % 5 === 1 ? 10 : 40,
      criteria: {
        ...(b % 3 === 0 && run ? { runId: run.id } : {}),
        ...(b % 7 === 0 ? { requireTags: ['api'] } : {}),
        ...(b % 11 === 0 ? { excludeTags: ['web'] } : {}),
        ...(b % 13 === 0 ? { minPriority: 'MEDIUM' } : {}),
      },
    });
  },
  executeTask: onTask((engine, id) => engine.assignTask(id, {}), ['TODO']),
  complete: onAttempt(
    (engine, { id, taskId }) => engine.completeTask(taskId, { status: 'completed', attemptId: id }),
    false,
  ),
  completeWithoutAttempt: onTask(
    (engine, id) => engine.completeTask(id, { status: 'completed' }),
    ['IN_PROGRESS'],
  ),
  completeCode: onAttempt(
    (engine, { id, taskId }) => engine.completeTaskCode(taskId, { attemptId: id }),
    false,
  ),
  fail: onAttempt((engine, { id, taskId }, { b }) =>
    engine.failTask(taskId, {
      attemptId: id,
      error: 'It failed',
      failureClass: FAILURE_CLASSES[b % 5],
      ...(b % 6 === 0 ? { onPrerequisiteFailure: POLICIES[b % 3] } : {}),
    }),
  ),
  reportBlocked: onAttempt((engine, { id, taskId }) =>
    engine.completeTask(taskId, { status: 'blocked', error: 'It needs a decision', attemptId: id }),
  ),
  requestMerge: onAttempt((engine, { id }) => engine.requestMerge(id), true),
  completeMerge: onAttempt((engine, { id, taskId }) => engine.completeMerge(taskId, { attemptId: id }), true),
  failMerge: onAttempt(
    (engine, { id, taskId }) => engine.failMerge(taskId, { attemptId: id, error: 'A conflict' }),
    true,
  ),
  release: onAttempt((engine, { id }) => engine.releaseAttempt(id)),
  confirmCancelled: onAttempt((engine, { id }) => engine.confirmCancelled(id)),
  renew: onAttempt((engine, { id }) => engine.renewLease(id)),
  cancelTask: onTask(
    (engine, id, { b }) =>
      engine.cancelTask(id, b % 4 === 0 ? { onPrerequisiteFailure: POLICIES[b % 3] } : {}),
    ['TODO', 'BLOCKED', 'IN_PROGRESS', 'MERGING'],
  ),
  retryTask: onTask((engine, id) => engine.retryTask(id), ['FAILED', 'CANCELLED']),
  reopenTask: onTask((engine, id) => engine.reopenTask(id), ['DONE']),
  blockTask: onTask(
    (engine, id) => engine.blockTask(id, { reason: 'A person stops it' }),
    ['TODO', 'BLOCKED'],
  ),
  unblockTask: onTask((engine, id) => engine.unblockTask(id), ['BLOCKED']),
  updateTask: (engine, view, { a, b }) => {
    const task = pick(view.tasks, a);
    return (
      task &&
      engine.updateTask(
        task.id,
        b % 2 === 0
          ? { priority: PRIORITIES[b % 4] }
          : { orchestratorId: pick(view.orchestrators, b) ?? null },
      )
    );
  },
  addDependency: (engine, { tasks }, { a, b }) => {
    const [task, other] = [pick(tasks, a), pick(tasks, b)];
    return task && other && engine.addDependency(task.id, other.id);
  },
  removeDependency: (engine, { edges }, { a }) => {
    const edge = pick(edges, a);
    return edge && engine.removeDependency(edge.dependent, edge.prerequisite);
  },
  createTasks: (engine, view, { a, b, c }) => {
    if (view.tasks.length > 60) return undefined;
    const run = c % 4 === 0 ? undefined : pick(view.runs, b);
    const outside = view.tasks.map(({ id }) => id);
    return engine.createTasks(
      tasksOf(a, 1 + (c % 3), view.orchestrators, outside).map((task) => ({
        ...task,
        runId: run?.id ?? null,
      })),
    );
  },
  sweep: (engine) => engine.sweepExpiredLeases(),
  recalculate: (engine) =>
    engine.recalculateAllStatuses().then(({ repaired, runs }) => {
      if (repaired.length + runs.length > 0) throw new Error(`Drift: ${JSON.stringify({ repaired, runs })}`);
    }),
  read: (engine, { runs, tasks }, { a }) => {
    const run = pick(runs, a);
    const task = pick(tasks, a);
    return Promise.all([
      run && engine.getRunSnapshot(run.id),
      run && engine.getProgress(run.id),
      run && engine.getNextTasks(run.id),
      run && engine.getReadyTasks(run.id),
      task && engine.getTask(task.id),
    ]);
  },
} satisfies Record<string, Action>;

export type StepKind = keyof typeof ACTIONS;

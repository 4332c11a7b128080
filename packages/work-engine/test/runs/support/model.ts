import type { RunConfig, RunStatus, TaskStatus } from '../../../src/index.js';

/**
 * The rules of runs told once more, as plainly as they can be: no counts are kept, no queues, no locks; whatever follows
 * from the edges is derived anew each time. For one client at a time.
 */
export interface ModelTask {
  id: string;
  runId: string | null;
  orchestratorId: string | null;
  status: TaskStatus;
  reported: boolean;
  /** Prerequisite → whether it was let go when that one failed. */
  edges: Map<string, { released: boolean }>;
  begun: boolean;
  /** Somebody asked to cancel it. */
  cancelAsked: boolean;
  spent: { task: number; provider: number; infrastructure: number; lost: number; merge: number };
  maxAttempts: number;
  availableAt: number;
  lease: ModelLease | null;
}
export interface ModelLease {
  attemptId: string;
  merging: boolean;
  readyAt: number;
  granted: boolean;
  expiresAt: number;
  cancelRequested: boolean;
  /** What the cancel says of its dependents. */
  policy?: Policy | undefined;
}
export interface ModelRun {
  id: string;
  status: RunStatus;
  config: RunConfig;
  startedAt: number;
  failuresInRow: number;
  attemptsEnded: number;
  attemptsFailed: number;
  currentWave: number;
  opensAt: number;
}
type Policy = RunConfig['onPrerequisiteFailure'];
export type Ending =
  | { result: 'completed' | 'merged' | 'merge_failed' | 'blocked' | 'released' | 'cancelled' | 'lost' }
  | { result: 'failed'; failureClass: 'task' | 'provider' | 'infrastructure'; availableAt: number };

export const OTHER_BUDGET = 3;
const FRESH = () => ({ task: 0, provider: 0, infrastructure: 0, lost: 0, merge: 0 });
const AFRESH = () => ({
  status: 'TODO' as const,
  reported: false,
  cancelAsked: false,
  spent: FRESH(),
  availableAt: 0,
});
const isLive = ({ status }: ModelTask) => status === 'IN_PROGRESS' || status === 'MERGING';
const isWaiting = ({ status }: ModelTask) => status === 'TODO' || status === 'BLOCKED';

export class RunModel {
  readonly tasks = new Map<string, ModelTask>();
  readonly runs = new Map<string, ModelRun>();
  readonly limits = new Map<string, number>();
  now = 0;

  task(id: string): ModelTask {
    return this.tasks.get(id) as ModelTask;
  }
  runOf(task: ModelTask): ModelRun | undefined {
    return task.runId === null ? undefined : this.runs.get(task.runId);
  }
  tasksOf(runId: string): ModelTask[] {
    return [...this.tasks.values()].filter((task) => task.runId === runId);
  }
  byAttempt(attemptId: string): ModelTask | undefined {
    return [...this.tasks.values()].find(({ lease }) => lease?.attemptId === attemptId);
  }

  addTask(
    task: Pick<ModelTask, 'id' | 'runId' | 'orchestratorId' | 'maxAttempts'>,
    prerequisites: readonly string[],
  ): void {
    const edges = new Map(prerequisites.map((id) => [id, { released: false }]));
    this.tasks.set(task.id, {
      ...task,
      status: 'TODO',
      reported: false,
      edges,
      begun: false,
      cancelAsked: false,
      spent: FRESH(),
      availableAt: 0,
      lease: null,
    });
    this.failAtOnce(this.task(task.id));
  }

  /** A prerequisite that is over already counts as one that ends now. */
  private failAtOnce(task: ModelTask): void {
    for (const [id, edge] of task.edges) {
      const { status } = this.task(id);
      if (edge.released || !isWaiting(task) || (status !== 'FAILED' && status !== 'CANCELLED')) continue;
      const then = this.runOf(task)?.config.onPrerequisiteFailure ?? 'block';
      if (then === 'release') edge.released = true;
      if (then !== 'cancel') continue;
      Object.assign(task, { status: 'CANCELLED', reported: false, availableAt: 0 });
      this.fail(task);
    }
  }

  waveOf(task: ModelTask): number {
    const inside = [...task.edges.keys()]
      .map((id) => this.task(id))
      .filter(({ runId }) => runId === task.runId);
    return inside.reduce((wave, prerequisite) => Math.max(wave, this.waveOf(prerequisite) + 1), 0);
  }

  /** What a claim could take, and how many of it at once. */
  claimable(
    orchestratorId: string,
    runId: string | undefined,
    max: number,
  ): { ids: Set<string>; amount: number } {
    const held = [...this.tasks.values()].filter(
      (task) => task.status === 'IN_PROGRESS' && task.orchestratorId === orchestratorId,
    );
    const open = [...this.tasks.values()].filter(
      (task) =>
        task.status === 'TODO' &&
        task.orchestratorId === orchestratorId &&
        task.availableAt <= this.now &&
        (runId === undefined || task.runId === runId) &&
        this.handsOut(task),
    );
    let amount = open.filter((task) => task.runId === null).length;
    for (const run of this.runs.values())
      amount += Math.min(this.roomOf(run), open.filter((task) => task.runId === run.id).length);
    return {
      ids: new Set(open.map(({ id }) => id)),
      amount: Math.max(0, Math.min(max, (this.limits.get(orchestratorId) ?? 0) - held.length, amount)),
    };
  }
  private handsOut(task: ModelTask): boolean {
    const run = this.runOf(task);
    if (run === undefined) return true;
    if (run.status !== 'RUNNING' || this.roomOf(run) <= 0) return false;
    if (run.config.waves === 'off') return true;
    const wave = this.waveOf(task);
    return wave < run.currentWave || (wave === run.currentWave && run.opensAt <= this.now);
  }
  private roomOf({ id, config }: ModelRun): number {
    const most =
      config.waves === 'strict'
        ? Math.min(config.maxConcurrentTasks, config.maxAgentsPerWave ?? 1_000)
        : config.maxConcurrentTasks;
    return Math.max(0, most - this.tasksOf(id).filter(({ status }) => status === 'IN_PROGRESS').length);
  }

  start(id: string, attemptId: string, leaseSeconds: number): void {
    const task = this.task(id);
    Object.assign(task, { status: 'IN_PROGRESS', begun: true, availableAt: 0 });
    task.lease = {
      attemptId,
      merging: false,
      readyAt: 0,
      granted: false,
      expiresAt: this.now + leaseSeconds * 1_000,
      cancelRequested: false,
    };
  }

  /** @returns whether it is accepted. */
  end(attemptId: string, ending: Ending, policy?: Policy): boolean {
    const task = this.byAttempt(attemptId);
    const lease = task?.lease;
    if (task === undefined || lease == null) return false;
    const run = this.runOf(task);
    const { result } = ending;
    if (result === 'completed' && lease.merging) return true;
    if (result === 'completed' && run?.config.mergeStage === true) {
      task.status = 'MERGING';
      Object.assign(lease, { merging: true, readyAt: this.now });
      return true;
    }
    if (result === 'cancelled' && !lease.cancelRequested) return false;
    if ((result === 'merged' || result === 'merge_failed') && !lease.granted) return false;

    if (ending.result === 'failed') task.spent[ending.failureClass] += 1;
    if (result === 'lost') task.spent.lost += 1;
    if (result === 'merge_failed') task.spent.merge += 1;
    const { spent } = task;
    const isSpent =
      spent.task >= task.maxAttempts ||
      Math.max(spent.provider, spent.infrastructure, spent.lost) >= OTHER_BUDGET;
    const good = result === 'completed' || result === 'merged';
    if (
      run !== undefined &&
      (good ||
        result === 'lost' ||
        result === 'merge_failed' ||
        (ending.result === 'failed' &&
          !lease.cancelRequested &&
          // The provider's breaker sees to the others.
          (ending.failureClass !== 'provider' || (isSpent && run.status !== 'CANCELLED'))))
    ) {
      run.attemptsEnded += 1;
      run.attemptsFailed += good ? 0 : 1;
      run.failuresInRow = good ? 0 : run.failuresInRow + 1;
    }
    task.lease = null;
    task.availableAt = 0;
    if (good) task.status = 'DONE';
    // What comes back into a run that was stopped is not taken up again.
    else if (lease.cancelRequested || run?.status === 'CANCELLED') task.status = 'CANCELLED';
    else if (result === 'blocked' || (result === 'merge_failed' && spent.merge >= 2))
      Object.assign(task, { status: 'BLOCKED', reported: true });
    else if (result === 'released' || result === 'merge_failed' || !isSpent) {
      task.status = 'TODO';
      task.availableAt = ending.result === 'failed' ? ending.availableAt : 0;
    } else task.status = 'FAILED';
    if (task.status === 'FAILED' || task.status === 'CANCELLED') this.fail(task, policy ?? lease.policy);
    return true;
  }

  /** What becomes of those that wait for a task that won't be done. */
  private fail(ended: ModelTask, policy?: Policy): void {
    for (const task of this.tasks.values()) {
      const edge = task.edges.get(ended.id);
      if (edge === undefined || edge.released || !isWaiting(task)) continue;
      const then = policy ?? this.runOf(task)?.config.onPrerequisiteFailure ?? 'block';
      if (then === 'release') edge.released = true;
      if (then !== 'cancel') continue;
      Object.assign(task, { status: 'CANCELLED', reported: false, availableAt: 0 });
      this.fail(task, policy);
    }
  }

  requestMerge(attemptId: string): { accepted: boolean; granted: boolean } {
    const task = this.byAttempt(attemptId);
    const lease = task?.lease;
    const run = task && this.runOf(task);
    if (!task || !lease?.merging || !run) return { accepted: false, granted: false };
    if (lease.granted || lease.cancelRequested) return { accepted: true, granted: lease.granted };
    const queue = this.tasksOf(run.id).filter((other) => other.lease?.merging === true);
    const granted = queue.filter((other) => other.lease?.granted).length;
    const before = queue.filter(
      ({ id, lease: other }) =>
        other &&
        !other.granted &&
        !other.cancelRequested &&
        (other.readyAt < lease.readyAt || (other.readyAt === lease.readyAt && id < task.id)),
    ).length;
    lease.granted = granted + before < run.config.maxConcurrentMerges;
    return { accepted: true, granted: lease.granted };
  }

  cancel(id: string, policy?: Policy): boolean {
    const task = this.task(id);
    if (task.status === 'DONE' || task.status === 'FAILED' || task.lease?.granted) return false;
    if (task.status !== 'CANCELLED') task.cancelAsked = true;
    if (task.lease) {
      if (!task.lease.cancelRequested) Object.assign(task.lease, { cancelRequested: true, policy });
      return true;
    }
    if (task.status !== 'CANCELLED') {
      Object.assign(task, { status: 'CANCELLED', reported: false, availableAt: 0 });
      this.fail(task, policy);
    }
    return true;
  }

  /** Attempts that were asked to end and have not. */
  private isEnding(run: ModelRun): boolean {
    return this.tasksOf(run.id).some(({ lease }) => lease?.cancelRequested === true);
  }

  private revive(task: ModelTask): boolean {
    const run = this.runOf(task);
    if (run?.status === 'SUCCEEDED' || run?.status === 'CANCELLED') return false;
    if (run?.status === 'FAILED') {
      if (this.isEnding(run)) return false;
      this.go(run, true);
    }
    return true;
  }

  retry(id: string): boolean {
    const task = this.task(id);
    if ((task.status !== 'FAILED' && task.status !== 'CANCELLED') || !this.revive(task)) return false;
    Object.assign(task, AFRESH());
    this.holdAgain(id);
    return true;
  }

  /** Who was let go when it failed waits for it again, unless begun. */
  private holdAgain(id: string): void {
    for (const other of this.tasks.values()) {
      const edge = other.edges.get(id);
      if (edge?.released && isWaiting(other) && !other.begun) edge.released = false;
    }
  }

  reopen(id: string): boolean {
    const task = this.task(id);
    const dependents = [...this.tasks.values()].filter((other) => other.edges.get(id)?.released === false);
    const begun = dependents.some(
      (other) => isLive(other) || other.status === 'DONE' || (isWaiting(other) && other.begun),
    );
    if (task.status !== 'DONE' || begun || !this.revive(task)) return false;
    Object.assign(task, AFRESH());
    return true;
  }

  block(id: string): boolean {
    const task = this.task(id);
    if (!isWaiting(task)) return false;
    task.reported = true;
    return true;
  }
  unblock(id: string): boolean {
    const task = this.task(id);
    if (task.status !== 'BLOCKED' || !task.reported) return false;
    task.reported = false;
    return true;
  }

  link(id: string, prerequisite: string): boolean {
    const task = this.task(id);
    if (!isWaiting(task) || task.edges.has(prerequisite) || this.reaches(prerequisite, id)) return false;
    task.edges.set(prerequisite, { released: false });
    this.failAtOnce(task);
    return true;
  }
  private reaches(from: string, to: string): boolean {
    return from === to || [...this.task(from).edges.keys()].some((next) => this.reaches(next, to));
  }
  unlink(id: string, prerequisite: string): boolean {
    return this.task(id).edges.delete(prerequisite);
  }

  private go(run: ModelRun, anew: boolean): void {
    run.status = 'RUNNING';
    if (anew)
      Object.assign(run, { startedAt: this.now, failuresInRow: 0, attemptsEnded: 0, attemptsFailed: 0 });
  }

  move(runId: string, verb: 'start' | 'pause' | 'resume' | 'stop' | 'release' | 'retry' | 'reset'): boolean {
    const run = this.runs.get(runId) as ModelRun;
    const from: Record<typeof verb, RunStatus[]> = {
      start: ['PENDING'],
      pause: ['RUNNING'],
      resume: ['PAUSED'],
      stop: ['RUNNING', 'PAUSED', 'QUARANTINED'],
      release: ['QUARANTINED'],
      retry: ['FAILED', 'QUARANTINED'],
      reset: ['PAUSED', 'QUARANTINED', 'SUCCEEDED', 'FAILED', 'CANCELLED'],
    };
    if (!from[verb].includes(run.status)) return false;
    const tasks = this.tasksOf(runId);
    if (verb === 'reset' && tasks.some(isLive)) return false;
    if (verb === 'retry' && this.isEnding(run)) return false;
    if (verb === 'pause') run.status = 'PAUSED';
    if (verb === 'resume') this.go(run, false);
    if (verb === 'start' || (verb === 'retry' && run.status === 'FAILED')) this.go(run, true);
    else if (verb === 'release' || verb === 'retry')
      Object.assign(run, { status: 'RUNNING', failuresInRow: 0, attemptsEnded: 0, attemptsFailed: 0 });
    if (verb === 'stop') {
      run.status = 'CANCELLED';
      this.cancelAttempts(run);
      const waiting = tasks.filter(isWaiting);
      for (const task of waiting)
        Object.assign(task, { status: 'CANCELLED', reported: false, availableAt: 0 });
      for (const task of waiting) this.fail(task);
    }
    if (verb === 'retry' || verb === 'reset') {
      const afresh = tasks.filter(
        (task) =>
          task.status === 'FAILED' ||
          (task.status === 'CANCELLED' && (verb === 'reset' || !this.staysCancelled(task))) ||
          (verb === 'reset' && isWaiting(task)),
      );
      for (const { id } of afresh) {
        this.holdAgain(id);
        for (const { edges } of afresh) if (edges.has(id)) edges.set(id, { released: false });
      }
      for (const task of afresh) Object.assign(task, AFRESH());
    }
    if (verb === 'reset')
      Object.assign(run, {
        status: 'PENDING',
        currentWave: 0,
        opensAt: 0,
        failuresInRow: 0,
        attemptsEnded: 0,
        attemptsFailed: 0,
      });
    return true;
  }
  /** Asked for, or because of what was, and no more possible than that. */
  private staysCancelled(task: ModelTask): boolean {
    if (task.status !== 'CANCELLED') return false;
    return (
      task.cancelAsked ||
      [...task.edges].some(([id, { released }]) => {
        const other = this.task(id);
        return !released && other.runId === task.runId && this.staysCancelled(other);
      })
    );
  }

  private cancelAttempts(run: ModelRun): void {
    for (const { lease } of this.tasksOf(run.id)) if (lease && !lease.granted) lease.cancelRequested = true;
  }

  /** Whatever follows by itself, until nothing does. */
  settle(): void {
    for (const task of [...this.tasks.values()])
      if (task.lease && task.lease.expiresAt <= this.now) this.end(task.lease.attemptId, { result: 'lost' });
    do this.derive();
    while ([...this.runs.values()].some((run) => this.review(run)));
  }
  private derive(): void {
    for (const task of this.tasks.values()) {
      if (!isWaiting(task)) continue;
      const unmet = [...task.edges].some(
        ([id, { released }]) => !released && this.task(id).status !== 'DONE',
      );
      task.status = unmet || task.reported ? 'BLOCKED' : 'TODO';
    }
  }

  private isDoomed(task: ModelTask, run: ModelRun, upToWave: number | null): boolean {
    return [...task.edges].some(([id, { released }]) => {
      const other = this.task(id);
      if (released || other.status === 'DONE') return false;
      const there = this.runOf(other);
      if (other.status === 'FAILED' || other.status === 'CANCELLED') return true;
      if (
        there &&
        there !== run &&
        (there.status === 'FAILED' || there.status === 'CANCELLED') &&
        !isLive(other)
      )
        return true;
      if (there === run && upToWave !== null && this.waveOf(other) > upToWave) return true;
      return this.isDoomed(other, run, upToWave);
    });
  }

  /** @returns whether it moved. */
  private review(run: ModelRun): boolean {
    const tasks = this.tasksOf(run.id);
    if ((run.status !== 'RUNNING' && run.status !== 'PAUSED') || tasks.length === 0) return false;
    const has = (status: TaskStatus) => tasks.some((task) => task.status === status);
    const { config } = run;
    const inactive = !has('TODO') && !tasks.some(isLive);
    const isOut = (upToWave: number | null, among: ModelTask[]) =>
      among.every((task) => task.status !== 'BLOCKED' || this.isDoomed(task, run, upToWave));
    if (inactive && isOut(null, tasks)) {
      run.status = has('FAILED') || has('BLOCKED') ? 'FAILED' : has('DONE') ? 'SUCCEEDED' : 'CANCELLED';
      return true;
    }
    if (
      run.status === 'RUNNING' &&
      config.timeoutSeconds !== null &&
      run.startedAt + config.timeoutSeconds * 1_000 <= this.now
    ) {
      run.status = 'FAILED';
      this.cancelAttempts(run);
      return true;
    }
    const { consecutive, minAttempts, rate } = config.failureThreshold;
    const crossed =
      run.failuresInRow >= consecutive ||
      (run.attemptsEnded >= minAttempts && run.attemptsFailed >= rate * run.attemptsEnded);
    if (run.status === 'RUNNING' && config.failurePolicy !== 'continue' && crossed) {
      run.status = config.failurePolicy === 'stop' ? 'FAILED' : 'QUARANTINED';
      if (run.status === 'FAILED') this.cancelAttempts(run);
      return true;
    }
    if (config.waves === 'off') return false;
    const before = run.currentWave;
    for (;;) {
      const here = tasks.filter((task) => this.waveOf(task) <= run.currentWave);
      const later = tasks.map((task) => this.waveOf(task)).filter((wave) => wave > run.currentWave);
      if (
        later.length === 0 ||
        here.some((task) => task.status === 'TODO' || isLive(task)) ||
        !isOut(run.currentWave, here)
      )
        break;
      run.currentWave = Math.min(...later);
    }
    if (run.currentWave === before) return false;
    run.opensAt = this.now + config.waveDelaySeconds * 1_000;
    return true;
  }
}

import type {
  AcquireRequest,
  AcquireResult,
  AgentFigures,
  Attempt,
  AttemptPage,
  Breaker,
  Channel,
  Completion,
  Criteria,
  Daemon,
  DaemonRegistration,
  DaemonState,
  DeadLetterFilter,
  DeadLetterPage,
  EventPage,
  Execution,
  ExecutionStats,
  ForceBreaker,
  GiveUpResult,
  HeldAgent,
  Json,
  LogAppended,
  LogPage,
  MergedReport,
  MergeTurn,
  NewLogChunk,
  NewOrchestrator,
  NewRun,
  NewTask,
  NothingReason,
  Orchestrator,
  OrchestratorDetail,
  OrchestratorPatch,
  Overview,
  Permit,
  PermitRequest,
  PlanImport,
  PlanImportResult,
  PrerequisitePolicy,
  ProgressUpdate,
  Ranking,
  RedriveRequest,
  RedriveResult,
  ReleaseAttempt,
  ReleaseBreaker,
  Renewal,
  ResourceBoard,
  Route,
  Run,
  RunFilter,
  RunGraph,
  RunPage,
  RunPatch,
  RunProgress,
  RunSettings,
  RunSnapshot,
  RunStatus,
  Score,
  SelectionExplanation,
  Settlement,
  Task,
  TaskDetail,
  TaskExecutionContext,
  TaskFilter,
  TaskPage,
  TaskPatch,
  TaskStatus,
  Workspace,
  WorkspacePatch,
} from '@neolith/contracts';
import type { Doors } from '@neolith/database';
import type { SweepStep } from './domain/sweepSteps.js';
import type { EventFollower } from './events/eventFollower.js';
import type { AnswerOnceOptions, KeptAnswer, KeyedCall, OnceAnswer } from './operations/answerOnce.js';
import type { LogRange } from './operations/readAttemptLog.js';
import type { StepInput, StepOptions, StepResult } from './operations/runs/executeStep.js';
import type { RunReason } from './operations/runs/moveRun.js';
import type { RunOrchestrator } from './operations/runs/runHandle.js';
import type { TransitionOptions } from './operations/runs/transitionTask.js';

export interface ClaimOptions {
  /** How many tasks at most. Default 1, at most 100. */
  max?: number | undefined;
  daemonId?: string | undefined;
  /** Repeating a claim with the same id gets the same attempts and takes nothing more. */
  requestId?: string | undefined;
  agent?: string | undefined;
  /** Seconds until the lease runs out unless renewed; null never. Default 30. */
  leaseSeconds?: number | null | undefined;
  criteria?: Criteria | undefined;
}

export interface Claim {
  task: Task;
  attempt: Attempt;
  /** Null where the claim was repeated: the score was that of the first time. */
  score: Score | null;
}

export interface ClaimResult {
  claims: Claim[];
  /** Why there is none; null where there is one. */
  reason: NothingReason | null;
}

export interface TaskImportOptions {
  /** Where the tasks come from; with their `sourceId`s it tells which are stored already. */
  source: string;
  /** Tasks a transaction. Default 5,000, at most 50,000. Memory grows with it, and with nothing else. */
  chunk?: number | undefined;
  /** Of tasks that name none. */
  orchestratorId?: string | undefined;
  /** Of tasks that name none. */
  runId?: string | undefined;
  /** Told when a chunk is stored; the next one waits for it. */
  onChunk?: ((chunk: TaskImportChunk) => void | Promise<void>) | undefined;
}

export interface TaskImportChunk {
  /** Tasks read from the stream up to the end of this chunk. */
  read: number;
  created: { sourceId: string; taskId: string }[];
  /** Tasks of this chunk that were stored already. */
  existing: number;
}

export interface TaskImportResult {
  read: number;
  created: number;
  existing: number;
}

export interface ExecuteOptions {
  daemonId?: string | undefined;
  agent?: string | undefined;
  /** Default null: an attempt without expiry, for work done in this process. */
  leaseSeconds?: number | null | undefined;
}

export interface SweepOptions {
  /**
   * For how many seconds daemons could renew their leases without a break. After a break those that ran out in it get
   * half a lease, at most 15 s, to be renewed before they count as lost. Default: there was no break.
   */
  reachableSeconds?: number;
}

export interface QueueFiguresOptions {
  /** How many orchestrators get figures of their own, the oldest first, so that they stay the same ones. Default 100. */
  named?: number;
  /** Rows of one orchestrator are counted up to this. Default 10,000. */
  depthLimit?: number;
}

/** The queue of one orchestrator, or of all that are not named. */
export interface QueueFigure {
  /** Null: the sum of all orchestrators without figures of their own. */
  orchestratorId: string | null;
  name: string | null;
  /** Tasks that are claimable now, up to the limit; those of runs that are paused included. */
  ready: number;
  delayed: number;
  blocked: number;
  running: number;
  /**
   * For how many seconds the task has been claimable that has been so for longest, runs that hand nothing out aside. Where
   * the thousand longest are all of such runs: of the heads of the other queues, at least so long. 0: nothing waits.
   */
  oldestReadySeconds: number;
}

/** What is held and waited for, of a workspace; each counted up to the limit. */
export interface ResourceFigures {
  held: number;
  /** Attempts that asked for more while they run. */
  attemptsWaiting: number;
  /** Tasks that could begin but for a resource. */
  tasksWaiting: number;
  /** 0: nobody waits. */
  oldestWaitSeconds: number;
}

export interface QueueFigures {
  queues: QueueFigure[];
  /** The breakers that are known, at most a hundred, by agent and provider. */
  breakers: Pick<Breaker, 'agent' | 'provider' | 'status'>[];
  resources: ResourceFigures;
  /** Runs that go on or wait for a person, by status. */
  runs: Partial<Record<RunStatus, number>>;
  /** Open tasks that nobody has been given: nobody will claim them. Each state counted up to the limit. */
  unassigned: number;
  /** Heard within the last minute. */
  daemonsAlive: number;
}

export interface SweepReport {
  /** Attempts whose lease had run out. */
  lost: { taskId: string; attemptId: string }[];
  /** How many delayed tasks became claimable. */
  promoted: number;
  /** Runs that timed out, opened a wave, or ended. */
  runs: string[];
  /** How many events were older than their workspace keeps them, and are gone. */
  trimmed: number;
  /** How many logs of attempts were, too. */
  trimmedLogs: number;
  /** Resources that attempts held which were not live, taken from them. */
  orphanLocks: number;
  /** Waits for resources of attempts which were not live, taken away. */
  orphanWaits: number;
  /** Daemons that were not heard for a minute: their ids. What they hold is taken back when its leases run out. */
  lostDaemons: string[];
  /** What could not be done, each with what it was about; everything else was done all the same. */
  faults: Fault[];
}

/** One thing that background work could not do, while it went on with the others. */
export interface Fault {
  step: SweepStep;
  /** The task, run or orchestrator; null: a step as a whole. */
  id: string | null;
  error: unknown;
}

/** What `recalculateAllStatuses` found and mended; empty where counts and statuses agreed with the edges. */
export interface RepairReport {
  checked: number;
  repaired: { taskId: string; problem: string; from: string; to: string }[];
  /** Runs whose counts differed from their tasks. */
  runs: { runId: string; problem: string }[];
  /** What differs and could not be mended; everything else was. */
  faults: Fault[];
}

export interface ReconcileOptions {
  /** `next` of the call before; null or left out: from the beginning. */
  after?: string | null;
  /** How many tasks are looked at. Default 10,000. */
  limit?: number;
}

export interface ReconcileReport extends RepairReport {
  /** Where to go on; null: all were looked at. */
  next: string | null;
}

/** The verbs of the engine, bound to a database, a clock, a workspace and an actor. */
export interface WorkEngine {
  selectNextTask(orchestratorId: string, criteria?: Criteria): Promise<Task | null>;
  rankTasks(orchestratorId: string, criteria?: Criteria): Promise<Ranking>;
  explainSelection(
    orchestratorId: string,
    taskId?: string,
    criteria?: Criteria,
  ): Promise<SelectionExplanation>;
  claimNextTask(orchestratorId: string, options?: ClaimOptions): Promise<ClaimResult>;
  /** As claimNextTask, waiting up to `waitSeconds` (at most 25) for work to come; ends early by the signal. */
  waitForClaim(
    orchestratorId: string,
    options: ClaimOptions & { waitSeconds: number; signal?: AbortSignal },
  ): Promise<ClaimResult>;

  prepareTaskContext(orchestratorId: string, taskId: string): Promise<TaskExecutionContext>;
  /** Of a task that is assigned, whoever holds it. */
  getTaskContext(taskId: string): Promise<TaskExecutionContext>;
  /** Several at once, in the order given; one round trip a kind of fact, not a task. */
  prepareTaskContexts(taskIds: readonly string[]): Promise<TaskExecutionContext[]>;
  executeTask(orchestratorId: string, taskId: string, options?: ExecuteOptions): Promise<Execution>;
  updateTaskProgress(update: ProgressUpdate): Promise<Task>;
  completeTask(taskId: string, completion: Completion): Promise<Settlement>;
  renewLease(attemptId: string): Promise<Renewal>;
  confirmCancelled(attemptId: string): Promise<Settlement>;
  releaseAttempt(attemptId: string, options?: ReleaseAttempt): Promise<Settlement>;
  acquireResources(
    attemptId: string,
    request: AcquireRequest,
    options?: { signal?: AbortSignal | undefined },
  ): Promise<AcquireResult>;
  /** It waits no more for what it asked for; what it holds it keeps. */
  giveUpResources(attemptId: string): Promise<GiveUpResult>;
  getResources(): Promise<ResourceBoard>;

  createTask(task: NewTask): Promise<Task>;
  createTasks(tasks: readonly NewTask[]): Promise<Task[]>;
  /** Stores a stream of tasks in chunks, in flat memory; given again, it goes on where it broke off. */
  importTasks(
    tasks: Iterable<NewTask> | AsyncIterable<NewTask>,
    options: TaskImportOptions,
  ): Promise<TaskImportResult>;
  getTask(taskId: string): Promise<TaskDetail>;
  listTasks(filter?: Partial<TaskFilter>): Promise<TaskPage>;
  updateTask(taskId: string, patch: TaskPatch): Promise<Task>;
  cancelTask(
    taskId: string,
    options?: {
      reason?: string | undefined;
      onPrerequisiteFailure?: PrerequisitePolicy | undefined;
    },
  ): Promise<Task>;
  blockTask(taskId: string, report: { reason: string; question?: string | undefined }): Promise<Task>;
  unblockTask(taskId: string, options?: { answer?: string | undefined }): Promise<Task>;
  retryTask(taskId: string): Promise<Task>;
  reopenTask(taskId: string): Promise<Task>;
  /** Tasks that are parked because they failed for good, each with its reason, newest first. */
  listDeadLetters(filter?: Partial<DeadLetterFilter>): Promise<DeadLetterPage>;
  /** Gives parked tasks another chance, each by itself. */
  redriveDeadLetters(request: RedriveRequest): Promise<RedriveResult>;
  addDependency(taskId: string, dependsOn: string): Promise<void>;
  removeDependency(taskId: string, dependsOn: string): Promise<void>;

  createRun(plan: NewRun): Promise<Run>;
  importPlan(plan: PlanImport): Promise<PlanImportResult>;
  getRun(runId: string): Promise<Run>;
  listRuns(filter?: Partial<RunFilter>): Promise<RunPage>;
  updateRun(runId: string, patch: RunPatch): Promise<Run>;
  updateRunConfig(runId: string, config: RunSettings): Promise<Run>;
  deleteRun(runId: string): Promise<void>;
  startRun(runId: string, options?: RunReason): Promise<Run>;
  pauseRun(runId: string, options?: RunReason): Promise<Run>;
  resumeRun(runId: string, options?: RunReason): Promise<Run>;
  stopRun(runId: string, options?: RunReason): Promise<Run>;
  releaseRun(runId: string, options?: RunReason): Promise<Run>;
  /** With `taskId`: only that task, done or not, and whatever depends on it in the run. */
  retryRun(runId: string, options?: RunReason & { taskId?: string | undefined }): Promise<Run>;
  resetRun(runId: string, options?: RunReason): Promise<Run>;
  completeRun(runId: string, options?: RunReason): Promise<Run>;
  getRunSnapshot(runId: string): Promise<RunSnapshot>;
  getRunHistory(
    runId: string,
    page?: { limit?: number | undefined; cursor?: string | undefined },
  ): Promise<EventPage>;
  getRunGraph(runId: string): Promise<NonNullable<RunGraph['graph']> & { name: string }>;
  getProgress(runId: string): Promise<RunProgress>;
  getReadyTasks(runId: string): Promise<Task[]>;
  getNextTasks(runId: string, options?: { limit?: number | undefined }): Promise<Task[]>;
  executeStep(
    runId: string,
    work: (input: StepInput) => Promise<Json | undefined> | Json | undefined,
    options?: StepOptions,
  ): Promise<StepResult>;
  assignTask(
    taskId: string,
    options?: ExecuteOptions & { orchestratorId?: string | undefined },
  ): Promise<Execution>;
  completeTaskCode(taskId: string, completion?: Omit<Completion, 'status'>): Promise<Settlement>;
  requestMerge(
    attemptId: string,
    options?: { waitSeconds?: number | undefined; signal?: AbortSignal | undefined },
  ): Promise<MergeTurn>;
  completeMerge(
    taskId: string,
    report?: MergedReport & { attemptId?: string | undefined },
  ): Promise<Settlement>;
  failMerge(taskId: string, report: { error: string; attemptId?: string | undefined }): Promise<Settlement>;
  failTask(
    taskId: string,
    failure: Omit<Completion, 'status' | 'output'> & { error: string },
  ): Promise<Settlement>;
  transitionTask(taskId: string, to: TaskStatus, options?: TransitionOptions): Promise<Task>;
  cascadeTaskCompletion(taskId: string): Promise<{ unblocked: string[] }>;
  /** The task of an attempt. */
  taskOfAttempt(attemptId: string): Promise<string>;

  getAttempt(attemptId: string): Promise<Attempt>;
  listAttempts(
    orchestratorId: string,
    page?: { limit?: number | undefined; cursor?: string | undefined },
  ): Promise<AttemptPage>;
  /** Stores the next piece of what an attempt's agent printed; a piece known by its number is not stored again. */
  appendAttemptLog(attemptId: string, chunk: NewLogChunk): Promise<LogAppended>;
  /** What an attempt's agent printed, a page of it; waits for more where asked to. */
  readAttemptLog(attemptId: string, range?: LogRange): Promise<LogPage>;
  getOrchestratorExecutionStats(
    orchestratorId: string,
    range?: { start?: Date | undefined; end?: Date | undefined },
  ): Promise<ExecutionStats>;
  getOverview(): Promise<Overview>;

  createOrchestrator(orchestrator: NewOrchestrator): Promise<OrchestratorDetail>;
  updateOrchestrator(orchestratorId: string, patch: OrchestratorPatch): Promise<OrchestratorDetail>;
  /** One handle on the orchestration of a run, named by its id with the prefix; asks the database nothing. */
  getOrchestrator(runId: `run_${string}`): RunOrchestrator;
  getOrchestrator(orchestratorId: string): Promise<OrchestratorDetail>;
  /** Resets the run (see resetRun) and gives the handle on it. */
  resetOrchestrator(runId: string): Promise<RunOrchestrator>;
  listOrchestrators(): Promise<Orchestrator[]>;

  registerDaemon(registration: DaemonRegistration): Promise<Daemon>;
  heartbeatDaemon(
    daemonId: string,
    beat: { state?: DaemonState | undefined; attemptIds?: readonly string[] | undefined },
  ): Promise<Renewal[]>;
  listDaemons(): Promise<Daemon[]>;

  /** The breakers that have ever opened or been forced, by agent and provider. */
  listBreakers(): Promise<Breaker[]>;
  /** The agents that need a permit, as they stood at most a second ago. */
  listHeldAgents(): Promise<HeldAgent[]>;
  requestPermit(request: PermitRequest): Promise<Permit>;
  forceBreaker(input: ForceBreaker): Promise<Breaker>;
  releaseBreaker(input: ReleaseBreaker): Promise<Breaker>;

  /** Stores which agent takes the task of a running attempt, and why; the same one told again changes nothing. */
  recordRoute(attemptId: string, route: Route): Promise<void>;
  /** What the attempts of late say of each agent at each type of task. */
  readAgentFigures(options?: { days?: number | undefined }): Promise<AgentFigures>;

  createWorkspace(workspace: { slug: string; name: string }): Promise<Workspace>;
  getWorkspace(): Promise<Workspace>;
  updateWorkspace(patch: WorkspacePatch): Promise<Workspace>;
  listChannels(): Promise<Channel[]>;
  createChannel(channel: { name: string; purpose?: string | null | undefined }): Promise<Channel>;

  /** Events after the cursor (default: from the beginning), oldest first, at most `limit` (default 500). */
  readEvents(options?: { cursor?: string | undefined; limit?: number | undefined }): Promise<EventPage>;
  listTaskEvents(taskId: string, limit?: number, cursor?: string): Promise<EventPage>;
  /** Where the stream ends now: following from here misses nothing that comes. */
  currentCursor(): Promise<string>;
  /** One reader of the event table for this process; see EventFollower. */
  readonly events: EventFollower;

  /**
   * How deep and how old the queues are, for metrics: bounded in cost, so a deep queue is counted up to a limit. Of all
   * workspaces, unless the engine is of one.
   */
  readQueueFigures(options?: QueueFiguresOptions): Promise<QueueFigures>;
  /** Ends attempts whose lease ran out and promotes delayed tasks whose time has come; in all workspaces. */
  sweepExpiredLeases(options?: SweepOptions): Promise<SweepReport>;
  /** Rebuilds every count and status from the edges, and reports what differed. */
  recalculateAllStatuses(): Promise<RepairReport>;
  /** The same bit by bit, for a loop: short calls, whatever the size. */
  reconcile(options?: ReconcileOptions): Promise<ReconcileReport>;

  /** Does a call once however often it comes with the same key, and answers each time the same; see operations/answerOnce. */
  answerOnce(
    call: KeyedCall,
    work: (within: { engine: WorkEngine; database: Doors }) => Promise<KeptAnswer>,
    options?: AnswerOnceOptions,
  ): Promise<OnceAnswer>;
  /** The same for a call that has its effect once by its nature, and may take long. */
  answerRepeatable(
    call: KeyedCall,
    work: () => Promise<KeptAnswer>,
    options?: AnswerOnceOptions,
  ): Promise<OnceAnswer>;

  /** The same engine for one workspace, and with another actor in the events. */
  as(scope: { workspaceId?: string; actor?: string }): WorkEngine;
  /** Ends the follower; the database stays open, it belongs to the caller. */
  close(): Promise<void>;
}

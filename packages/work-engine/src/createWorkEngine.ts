import type { Database } from '@neolith/database';
import type { EngineContext } from './engineContext.js';
import { followEventTable } from './events/followEventTable.js';
import { createLogSignals } from './events/logSignals.js';
import { uuidOf } from './ids.js';
import { createLanes } from './lanes/lanes.js';
import { createObserver, type Observe } from './observation.js';
import { answerOnce, answerRepeatable } from './operations/answerOnce.js';
import { appendAttemptLog } from './operations/appendAttemptLog.js';
import { blockTask, unblockTask } from './operations/blockTask.js';
import { forceBreaker, listBreakers, releaseBreaker, requestPermit } from './operations/breakers.js';
import { cancelTask } from './operations/cancelTask.js';
import { addDependency, removeDependency } from './operations/changeDependencies.js';
import { claimNextTask } from './operations/claimNextTask.js';
import { completeTask } from './operations/completeTask.js';
import { createTask, createTasks } from './operations/createTasks.js';
import { heartbeatDaemon, listDaemons, registerDaemon } from './operations/daemons.js';
import { listDeadLetters, redriveDeadLetters } from './operations/deadLetters.js';
import { confirmCancelled, releaseAttempt } from './operations/endAttempt.js';
import { executeTask } from './operations/executeTask.js';
import { explainSelection } from './operations/explainSelection.js';
import { getOrchestratorExecutionStats } from './operations/getOrchestratorExecutionStats.js';
import { getOverview } from './operations/getOverview.js';
import { importTasks } from './operations/importTasks.js';
import {
  createOrchestrator,
  getOrchestrator,
  listOrchestrators,
  updateOrchestrator,
} from './operations/orchestrators.js';
import { getTaskContext, prepareTaskContext, prepareTaskContexts } from './operations/prepareTaskContext.js';
import { readAttemptLog } from './operations/readAttemptLog.js';
import { currentCursor, listTaskEvents, readEvents } from './operations/readEvents.js';
import { readQueueFigures } from './operations/readQueueFigures.js';
import { getAttempt, getTask, listAttempts, listTasks } from './operations/readTasks.js';
import { recalculateAllStatuses, reconcile } from './operations/recalculateAllStatuses.js';
import { renewLease } from './operations/renewLease.js';
import { acquireResources } from './operations/resources/acquireResources.js';
import { getResources } from './operations/resources/getResources.js';
import { giveUpResources } from './operations/resources/giveUpResources.js';
import { reopenTask, retryTask } from './operations/retryTask.js';
import { readAgentFigures, recordRoute } from './operations/routes.js';
import { assignTask, failTask, getNextTasks, getReadyTasks } from './operations/runs/assignTask.js';
import { cascadeTaskCompletion } from './operations/runs/cascade.js';
import { deleteRun, listRuns, updateRun, updateRunConfig } from './operations/runs/changeRun.js';
import { createRun } from './operations/runs/createRun.js';
import { executeStep } from './operations/runs/executeStep.js';
import { importPlan } from './operations/runs/importPlan.js';
import {
  completeMerge,
  completeTaskCode,
  failMerge,
  requestMerge,
  taskOfAttempt,
} from './operations/runs/merge.js';
import {
  completeRun,
  getRun,
  pauseRun,
  releaseRun,
  resetRun,
  resumeRun,
  retryRun,
  startRun,
  stopRun,
} from './operations/runs/moveRun.js';
import { getProgress, getRunGraph, getRunHistory, getRunSnapshot } from './operations/runs/readRun.js';
import { retryPartOfRun } from './operations/runs/retryPart.js';
import { bindRun } from './operations/runs/runHandle.js';
import { transitionTask } from './operations/runs/transitionTask.js';
import { rankTasks, selectNextTask } from './operations/selectNextTask.js';
import { sweepExpiredLeases } from './operations/sweepExpiredLeases.js';
import { updateTask } from './operations/updateTask.js';
import { updateTaskProgress } from './operations/updateTaskProgress.js';
import { waitForClaim } from './operations/waitForClaim.js';
import {
  createChannel,
  createWorkspace,
  getWorkspace,
  listChannels,
  updateWorkspace,
} from './operations/workspace.js';
import { createHeldAgents } from './store/heldAgents.js';
import type { WorkEngine } from './workEngine.js';

export interface WorkEngineOptions {
  /** What `openDatabase` or `connectDatabase` of @neolith/database gives: Prisma's client and the pool beneath it. */
  prisma: Database['prisma'];
  pool: Database['pool'];
  /** For renewals of leases and heartbeats, so that other calls can't keep them waiting. Default: `pool`. */
  vitalPool?: Database['vitalPool'];
  /** Needed by `answerOnce`. */
  transaction?: Database['transaction'];
  /** Sets the engine's time, for tests. Default: the database's clock decides everything. */
  clock?: () => Date;
  /** Numbers in [0, 1) for jitter. Default Math.random. */
  random?: () => number;
  /** Only this workspace. Default: all of them, for trusted server code. */
  workspaceId?: string;
  /** Who acts, as events tell. Default `library`. */
  actor?: string;
  /** Told of faults in the background: a follower that can't reach the database. Default: nothing. */
  onError?: (error: unknown) => void;
  /** Told of claims, endings and merges, for metrics. Default: nothing. */
  observe?: Observe;
}

/** An engine over a database that is open and migrated. Making one asks the database nothing. */
export function createWorkEngine(options: WorkEngineOptions): WorkEngine {
  const onError = options.onError ?? (() => {});
  return bind({
    prisma: options.prisma,
    pool: options.pool,
    now: options.clock ?? (() => null),
    random: options.random ?? Math.random,
    workspaceId: options.workspaceId === undefined ? null : uuidOf('workspace', options.workspaceId),
    actor: options.actor ?? 'library',
    events: followEventTable(options, onError),
    logs: createLogSignals(),
    lanes: createLanes(options.pool, options.vitalPool),
    observe: createObserver(options.observe, onError),
    heldAgents: createHeldAgents(options.pool),
    transaction: options.transaction ?? null,
  });
}

function bind(engine: EngineContext): WorkEngine {
  const bound: WorkEngine = {
    selectNextTask: (...input) => selectNextTask(engine, ...input),
    rankTasks: (...input) => rankTasks(engine, ...input),
    explainSelection: (...input) => explainSelection(engine, ...input),
    claimNextTask: (...input) => claimNextTask(engine, ...input),
    waitForClaim: (...input) => waitForClaim(engine, ...input),
    prepareTaskContext: (...input) => prepareTaskContext(engine, ...input),
    getTaskContext: (...input) => getTaskContext(engine, ...input),
    prepareTaskContexts: (...input) => prepareTaskContexts(engine, ...input),
    executeTask: (...input) => executeTask(engine, ...input),
    updateTaskProgress: (...input) => updateTaskProgress(engine, ...input),
    completeTask: (...input) => completeTask(engine, ...input),
    renewLease: (...input) => renewLease(engine, ...input),
    confirmCancelled: (...input) => confirmCancelled(engine, ...input),
    acquireResources: (...input) => acquireResources(engine, ...input),
    giveUpResources: (...input) => giveUpResources(engine, ...input),
    getResources: () => getResources(engine),
    releaseAttempt: (...input) => releaseAttempt(engine, ...input),
    createTask: (...input) => createTask(engine, ...input),
    createTasks: (...input) => createTasks(engine, ...input),
    importTasks: (...input) => importTasks(engine, ...input),
    getTask: (...input) => getTask(engine, ...input),
    listTasks: (...input) => listTasks(engine, ...input),
    updateTask: (...input) => updateTask(engine, ...input),
    cancelTask: (...input) => cancelTask(engine, ...input),
    blockTask: (...input) => blockTask(engine, ...input),
    unblockTask: (...input) => unblockTask(engine, ...input),
    retryTask: (...input) => retryTask(engine, ...input),
    reopenTask: (...input) => reopenTask(engine, ...input),
    addDependency: (...input) => addDependency(engine, ...input),
    removeDependency: (...input) => removeDependency(engine, ...input),
    createRun: (...input) => createRun(engine, ...input),
    importPlan: (...input) => importPlan(engine, ...input),
    getRun: (...input) => getRun(engine, ...input),
    listRuns: (...input) => listRuns(engine, ...input),
    updateRun: (...input) => updateRun(engine, ...input),
    updateRunConfig: (...input) => updateRunConfig(engine, ...input),
    deleteRun: (...input) => deleteRun(engine, ...input),
    startRun: (...input) => startRun(engine, ...input),
    pauseRun: (...input) => pauseRun(engine, ...input),
    resumeRun: (...input) => resumeRun(engine, ...input),
    stopRun: (...input) => stopRun(engine, ...input),
    releaseRun: (...input) => releaseRun(engine, ...input),
    retryRun: (runId, { taskId, ...options } = {}) =>
      taskId === undefined
        ? retryRun(engine, runId, options)
        : retryPartOfRun(engine, runId, { ...options, taskId }),
    listDeadLetters: (...input) => listDeadLetters(engine, ...input),
    redriveDeadLetters: (...input) => redriveDeadLetters(engine, ...input),
    resetRun: (...input) => resetRun(engine, ...input),
    completeRun: (...input) => completeRun(engine, ...input),
    getRunSnapshot: (...input) => getRunSnapshot(engine, ...input),
    getRunHistory: (...input) => getRunHistory(engine, ...input),
    getRunGraph: (...input) => getRunGraph(engine, ...input),
    getProgress: (...input) => getProgress(engine, ...input),
    getReadyTasks: (...input) => getReadyTasks(engine, ...input),
    getNextTasks: (...input) => getNextTasks(engine, ...input),
    executeStep: (...input) => executeStep(engine, ...input),
    assignTask: (...input) => assignTask(engine, ...input),
    completeTaskCode: (...input) => completeTaskCode(engine, ...input),
    requestMerge: (...input) => requestMerge(engine, ...input),
    completeMerge: (...input) => completeMerge(engine, ...input),
    failMerge: (...input) => failMerge(engine, ...input),
    failTask: (...input) => failTask(engine, ...input),
    transitionTask: (...input) => transitionTask(engine, ...input),
    cascadeTaskCompletion: (...input) => cascadeTaskCompletion(engine, ...input),
    taskOfAttempt: (...input) => taskOfAttempt(engine, ...input),
    getAttempt: (...input) => getAttempt(engine, ...input),
    listAttempts: (...input) => listAttempts(engine, ...input),
    appendAttemptLog: (...input) => appendAttemptLog(engine, ...input),
    readAttemptLog: (...input) => readAttemptLog(engine, ...input),
    getOrchestratorExecutionStats: (...input) => getOrchestratorExecutionStats(engine, ...input),
    getOverview: () => getOverview(engine),
    createOrchestrator: (...input) => createOrchestrator(engine, ...input),
    updateOrchestrator: (...input) => updateOrchestrator(engine, ...input),
    getOrchestrator: ((id: string) =>
      id.startsWith('run_')
        ? bindRun(bound, id)
        : getOrchestrator(engine, id)) as WorkEngine['getOrchestrator'],
    resetOrchestrator: async (runId) => {
      const run = await resetRun(engine, runId);
      return bindRun(bound, run.id);
    },
    listOrchestrators: () => listOrchestrators(engine),
    registerDaemon: (...input) => registerDaemon(engine, ...input),
    heartbeatDaemon: (...input) => heartbeatDaemon(engine, ...input),
    listDaemons: () => listDaemons(engine),
    listBreakers: () => listBreakers(engine),
    listHeldAgents: () => engine.heldAgents.read(engine.workspaceId),
    requestPermit: (...input) => requestPermit(engine, ...input),
    forceBreaker: (...input) => forceBreaker(engine, ...input),
    releaseBreaker: (...input) => releaseBreaker(engine, ...input),
    recordRoute: (...input) => recordRoute(engine, ...input),
    readAgentFigures: (...input) => readAgentFigures(engine, ...input),
    createWorkspace: (...input) => createWorkspace(engine, ...input),
    getWorkspace: () => getWorkspace(engine),
    updateWorkspace: (...input) => updateWorkspace(engine, ...input),
    listChannels: () => listChannels(engine),
    createChannel: (...input) => createChannel(engine, ...input),
    readEvents: (...input) => readEvents(engine, ...input),
    listTaskEvents: (...input) => listTaskEvents(engine, ...input),
    currentCursor: () => currentCursor(engine),
    events: engine.events,
    readQueueFigures: (...input) => readQueueFigures(engine, ...input),
    sweepExpiredLeases: (options) => sweepExpiredLeases(engine, options),
    recalculateAllStatuses: () => recalculateAllStatuses(engine),
    reconcile: (...input) => reconcile(engine, ...input),
    answerOnce: (call, work, options) =>
      answerOnce(
        engine,
        call,
        (within) => work({ engine: bind(within), database: { prisma: within.prisma, pool: within.pool } }),
        options,
      ),
    answerRepeatable: (...input) => answerRepeatable(engine, ...input),
    as: (scope) =>
      bind({
        ...engine,
        workspaceId:
          scope.workspaceId === undefined ? engine.workspaceId : uuidOf('workspace', scope.workspaceId),
        actor: scope.actor ?? engine.actor,
      }),
    close: () => engine.events.close(),
  };
  return bound;
}

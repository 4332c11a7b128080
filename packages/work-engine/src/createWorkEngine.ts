import type { Database } from '@neolith/database';
import type { EngineContext } from './engineContext.js';
import { followEventTable } from './events/followEventTable.js';
import { uuidOf } from './ids.js';
import { createLanes } from './lanes/lanes.js';
import { blockTask, unblockTask } from './operations/blockTask.js';
import { cancelTask } from './operations/cancelTask.js';
import { addDependency, removeDependency } from './operations/changeDependencies.js';
import { claimNextTask } from './operations/claimNextTask.js';
import { completeTask } from './operations/completeTask.js';
import { createTask, createTasks } from './operations/createTasks.js';
import { heartbeatDaemon, listDaemons, registerDaemon } from './operations/daemons.js';
import { confirmCancelled, releaseAttempt } from './operations/endAttempt.js';
import { executeTask } from './operations/executeTask.js';
import { explainSelection } from './operations/explainSelection.js';
import { getOrchestratorExecutionStats } from './operations/getOrchestratorExecutionStats.js';
import { getOverview } from './operations/getOverview.js';
import {
  createOrchestrator,
  getOrchestrator,
  listOrchestrators,
  updateOrchestrator,
} from './operations/orchestrators.js';
import { getTaskContext, prepareTaskContext, prepareTaskContexts } from './operations/prepareTaskContext.js';
import { currentCursor, listTaskEvents, readEvents } from './operations/readEvents.js';
import { getAttempt, getTask, listAttempts, listTasks } from './operations/readTasks.js';
import { recalculateAllStatuses } from './operations/recalculateAllStatuses.js';
import { renewLease } from './operations/renewLease.js';
import { reopenTask, retryTask } from './operations/retryTask.js';
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
import type { WorkEngine } from './workEngine.js';

export interface WorkEngineOptions {
  /** What `openDatabase` or `connectDatabase` of @neolith/database gives: Prisma's client and the pool beneath it. */
  prisma: Database['prisma'];
  pool: Database['pool'];
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
}

/** An engine over a database that is open and migrated. Making one asks the database nothing. */
export function createWorkEngine(options: WorkEngineOptions): WorkEngine {
  return bind({
    prisma: options.prisma,
    pool: options.pool,
    now: options.clock ?? (() => null),
    random: options.random ?? Math.random,
    workspaceId: options.workspaceId === undefined ? null : uuidOf('workspace', options.workspaceId),
    actor: options.actor ?? 'library',
    events: followEventTable(options, options.onError ?? (() => {})),
    lanes: createLanes(options.pool),
  });
}

function bind(engine: EngineContext): WorkEngine {
  return {
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
    releaseAttempt: (...input) => releaseAttempt(engine, ...input),
    createTask: (...input) => createTask(engine, ...input),
    createTasks: (...input) => createTasks(engine, ...input),
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
    getAttempt: (...input) => getAttempt(engine, ...input),
    listAttempts: (...input) => listAttempts(engine, ...input),
    getOrchestratorExecutionStats: (...input) => getOrchestratorExecutionStats(engine, ...input),
    getOverview: () => getOverview(engine),
    createOrchestrator: (...input) => createOrchestrator(engine, ...input),
    updateOrchestrator: (...input) => updateOrchestrator(engine, ...input),
    getOrchestrator: (...input) => getOrchestrator(engine, ...input),
    listOrchestrators: () => listOrchestrators(engine),
    registerDaemon: (...input) => registerDaemon(engine, ...input),
    heartbeatDaemon: (...input) => heartbeatDaemon(engine, ...input),
    listDaemons: () => listDaemons(engine),
    createWorkspace: (...input) => createWorkspace(engine, ...input),
    getWorkspace: () => getWorkspace(engine),
    updateWorkspace: (...input) => updateWorkspace(engine, ...input),
    listChannels: () => listChannels(engine),
    createChannel: (...input) => createChannel(engine, ...input),
    readEvents: (...input) => readEvents(engine, ...input),
    listTaskEvents: (...input) => listTaskEvents(engine, ...input),
    currentCursor: () => currentCursor(engine),
    events: engine.events,
    sweepExpiredLeases: (options) => sweepExpiredLeases(engine, options),
    recalculateAllStatuses: () => recalculateAllStatuses(engine),
    as: (scope) =>
      bind({
        ...engine,
        workspaceId:
          scope.workspaceId === undefined ? engine.workspaceId : uuidOf('workspace', scope.workspaceId),
        actor: scope.actor ?? engine.actor,
      }),
    close: () => engine.events.close(),
  };
}

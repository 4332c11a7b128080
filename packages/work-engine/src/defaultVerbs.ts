import type { OrchestratorDetail } from '@neolith/contracts';
import { getDefaultEngine } from './defaultEngine.js';
import type { RunOrchestrator } from './operations/runs/runHandle.js';
import type { WorkEngine } from './workEngine.js';

type Verb = {
  [Name in keyof WorkEngine]: WorkEngine[Name] extends (...input: never[]) => Promise<unknown> ? Name : never;
}[keyof WorkEngine];

/** A verb of the default engine as a function of its own, with the verb's type. */
function verb<Name extends Verb>(name: Name): WorkEngine[Name] {
  const call = async (...input: unknown[]) => {
    const engine = await getDefaultEngine();
    return (engine[name] as (...input: unknown[]) => Promise<unknown>)(...input);
  };
  return call as WorkEngine[Name];
}

// What each does is said at its operation; these are the same, bound to the engine that the environment describes.
export const selectNextTask = verb('selectNextTask');
export const rankTasks = verb('rankTasks');
export const explainSelection = verb('explainSelection');
export const claimNextTask = verb('claimNextTask');
export const waitForClaim = verb('waitForClaim');
export const prepareTaskContext = verb('prepareTaskContext');
export const executeTask = verb('executeTask');
export const updateTaskProgress = verb('updateTaskProgress');
export const completeTask = verb('completeTask');
export const renewLease = verb('renewLease');
export const confirmCancelled = verb('confirmCancelled');
export const acquireResources = verb('acquireResources');
export const giveUpResources = verb('giveUpResources');
export const getResources = verb('getResources');
export const releaseAttempt = verb('releaseAttempt');
export const appendAttemptLog = verb('appendAttemptLog');
export const readAttemptLog = verb('readAttemptLog');
export const createTask = verb('createTask');
export const createTasks = verb('createTasks');
export const importTasks = verb('importTasks');
export const getTask = verb('getTask');
export const listTasks = verb('listTasks');
export const updateTask = verb('updateTask');
export const cancelTask = verb('cancelTask');
export const blockTask = verb('blockTask');
export const unblockTask = verb('unblockTask');
export const retryTask = verb('retryTask');
export const reopenTask = verb('reopenTask');
export const addDependency = verb('addDependency');
export const removeDependency = verb('removeDependency');
export const getOrchestratorExecutionStats = verb('getOrchestratorExecutionStats');
/** The name that the original specification used. */
export const getVPExecutionStats = getOrchestratorExecutionStats;
export const getOverview = verb('getOverview');
export const createOrchestrator = verb('createOrchestrator');
export const updateOrchestrator = verb('updateOrchestrator');
/** As the engine's; the handle on a run comes as a promise here, for the engine is made on first use. */
export const getOrchestrator = verb('getOrchestrator') as unknown as {
  (runId: `run_${string}`): Promise<RunOrchestrator>;
  (orchestratorId: string): Promise<OrchestratorDetail>;
};
export const resetOrchestrator = verb('resetOrchestrator');
export const listOrchestrators = verb('listOrchestrators');
export const listDeadLetters = verb('listDeadLetters');
export const redriveDeadLetters = verb('redriveDeadLetters');
export const listBreakers = verb('listBreakers');
export const requestPermit = verb('requestPermit');
export const forceBreaker = verb('forceBreaker');
export const releaseBreaker = verb('releaseBreaker');
export const recordRoute = verb('recordRoute');
export const readAgentFigures = verb('readAgentFigures');
export const createWorkspace = verb('createWorkspace');
export const readEvents = verb('readEvents');
export const sweepExpiredLeases = verb('sweepExpiredLeases');
export const recalculateAllStatuses = verb('recalculateAllStatuses');
export const reconcile = verb('reconcile');
export const readQueueFigures = verb('readQueueFigures');
export const createRun = verb('createRun');
export const importPlan = verb('importPlan');
export const getRun = verb('getRun');
export const listRuns = verb('listRuns');
export const updateRun = verb('updateRun');
export const updateRunConfig = verb('updateRunConfig');
export const deleteRun = verb('deleteRun');
export const startRun = verb('startRun');
export const pauseRun = verb('pauseRun');
export const resumeRun = verb('resumeRun');
export const stopRun = verb('stopRun');
export const releaseRun = verb('releaseRun');
export const retryRun = verb('retryRun');
export const resetRun = verb('resetRun');
export const completeRun = verb('completeRun');
export const getRunSnapshot = verb('getRunSnapshot');
export const getRunHistory = verb('getRunHistory');
export const getRunGraph = verb('getRunGraph');
export const getProgress = verb('getProgress');
export const getReadyTasks = verb('getReadyTasks');
export const getNextTasks = verb('getNextTasks');
export const executeStep = verb('executeStep');
export const assignTask = verb('assignTask');
export const completeTaskCode = verb('completeTaskCode');
export const requestMerge = verb('requestMerge');
export const completeMerge = verb('completeMerge');
export const failMerge = verb('failMerge');
export const failTask = verb('failTask');
export const transitionTask = verb('transitionTask');
export const cascadeTaskCompletion = verb('cascadeTaskCompletion');

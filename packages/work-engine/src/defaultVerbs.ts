import { getDefaultEngine } from './defaultEngine.js';
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
export const releaseAttempt = verb('releaseAttempt');
export const createTask = verb('createTask');
export const createTasks = verb('createTasks');
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
export const getOrchestrator = verb('getOrchestrator');
export const listOrchestrators = verb('listOrchestrators');
export const createWorkspace = verb('createWorkspace');
export const readEvents = verb('readEvents');
export const sweepExpiredLeases = verb('sweepExpiredLeases');
export const recalculateAllStatuses = verb('recalculateAllStatuses');

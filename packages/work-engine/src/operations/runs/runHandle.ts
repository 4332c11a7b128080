import type { WorkEngine } from '../../workEngine.js';

type OfRun<Verb> = Verb extends (runId: string, ...rest: infer Rest) => infer Result
  ? (...rest: Rest) => Result
  : never;

/** One handle on a run's orchestration: the engine's verbs about runs, bound to one. It holds no state of its own. */
export interface RunOrchestrator {
  readonly runId: string;
  get: OfRun<WorkEngine['getRun']>;
  start: OfRun<WorkEngine['startRun']>;
  pause: OfRun<WorkEngine['pauseRun']>;
  resume: OfRun<WorkEngine['resumeRun']>;
  stop: OfRun<WorkEngine['stopRun']>;
  release: OfRun<WorkEngine['releaseRun']>;
  retry: OfRun<WorkEngine['retryRun']>;
  reset: OfRun<WorkEngine['resetRun']>;
  complete: OfRun<WorkEngine['completeRun']>;
  delete: OfRun<WorkEngine['deleteRun']>;
  updateConfig: OfRun<WorkEngine['updateRunConfig']>;
  executeStep: OfRun<WorkEngine['executeStep']>;
  getNextTasks: OfRun<WorkEngine['getNextTasks']>;
  getReadyTasks: OfRun<WorkEngine['getReadyTasks']>;
  getProgress: OfRun<WorkEngine['getProgress']>;
  getSnapshot: OfRun<WorkEngine['getRunSnapshot']>;
  getHistory: OfRun<WorkEngine['getRunHistory']>;
  assignTask: WorkEngine['assignTask'];
  completeTaskCode: WorkEngine['completeTaskCode'];
  requestMerge: WorkEngine['requestMerge'];
  completeMerge: WorkEngine['completeMerge'];
  failMerge: WorkEngine['failMerge'];
  failTask: WorkEngine['failTask'];
  transitionTask: WorkEngine['transitionTask'];
}

export function bindRun(engine: WorkEngine, runId: string): RunOrchestrator {
  return {
    runId,
    get: () => engine.getRun(runId),
    start: (...rest) => engine.startRun(runId, ...rest),
    pause: (...rest) => engine.pauseRun(runId, ...rest),
    resume: (...rest) => engine.resumeRun(runId, ...rest),
    stop: (...rest) => engine.stopRun(runId, ...rest),
    release: (...rest) => engine.releaseRun(runId, ...rest),
    retry: (...rest) => engine.retryRun(runId, ...rest),
    reset: (...rest) => engine.resetRun(runId, ...rest),
    complete: (...rest) => engine.completeRun(runId, ...rest),
    delete: () => engine.deleteRun(runId),
    updateConfig: (config) => engine.updateRunConfig(runId, config),
    executeStep: (...rest) => engine.executeStep(runId, ...rest),
    getNextTasks: (...rest) => engine.getNextTasks(runId, ...rest),
    getReadyTasks: () => engine.getReadyTasks(runId),
    getProgress: () => engine.getProgress(runId),
    getSnapshot: () => engine.getRunSnapshot(runId),
    getHistory: (...rest) => engine.getRunHistory(runId, ...rest),
    assignTask: engine.assignTask,
    completeTaskCode: engine.completeTaskCode,
    requestMerge: engine.requestMerge,
    completeMerge: engine.completeMerge,
    failMerge: engine.failMerge,
    failTask: engine.failTask,
    transitionTask: engine.transitionTask,
  };
}

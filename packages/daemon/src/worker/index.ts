export {
  type AgentChooser,
  alwaysChoose,
  type ChoiceGround,
  type ChosenAgent,
  type NobodyChosen,
} from './agentChooser.js';
export type { AttemptEvent, AttemptListener } from './attemptEvents.js';
export type { AttemptLook } from './attemptRoster.js';
export type { FailedCalls } from './countFailures.js';
export {
  createDaemon,
  type DaemonLook,
  type DaemonReport,
  type DaemonStatus,
  type WorkerDaemon,
} from './createDaemon.js';
export { DAEMON_DEFAULTS, type DaemonOptions } from './daemonOptions.js';
export {
  buildExecutionRequest,
  describeExecution,
  type ExecutionDescription,
  type ExecutionFacts,
  type ExecutionLimits,
  type ExecutionRequest,
} from './executionRequest.js';
export { type GitWorkplaceOptions, gitWorkplace } from './gitWorkplace.js';
export { createLog, type LogFields, type LogLevel, type LogOptions, type WorkerLog } from './log.js';
export {
  createLogShipper,
  type LogShipper,
  type LogShipperOptions,
  type LogShipperReport,
} from './logShipper.js';
export { holdName } from './nameLock.js';
export { ATTEMPT_DIRECTORY, type ExecutionPreview, previewExecution } from './previewExecution.js';
export { type LocalLogLimits, pruneLocalLogs } from './pruneLocalLogs.js';
export { type ExecutionSurroundings, runExecution } from './runExecution.js';
export type { AttemptResult } from './settleAttempt.js';
export { plainWorkplace, type WorkFacts, type Workplace, type WorkSite } from './workplace.js';

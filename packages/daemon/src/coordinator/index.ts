export type { AgentHealth, AgentPool, SpawnRequest } from './agentPool.js';
export { type AssignmentRules, assignTasks } from './assignTasks.js';
export type {
  Coordinator,
  CoordinatorOptions,
  ExecutionInput,
  ProgressListener,
  StartedExecution,
} from './coordinator.js';
export { createCoordinator } from './createCoordinator.js';
export { recordEvent, sumUsage, type TaskRecord } from './executionRecord.js';
export { findOrchestrator, listOrchestrators } from './findOrchestrators.js';
export { cutTags, sourceOf, TASKS_MAX, toPlanImport } from './planImport.js';
export { previewContext } from './previewContext.js';
export { type RoutedChoice, type RoutingChooser, type RoutingOptions, routeAgents } from './routeAgents.js';
export { type RunSettingFlags, settingsOf } from './runSettings.js';
export { selectTasks, type TaskSelection } from './selectTasks.js';
export { type StoredPlan, type StorePlanInput, storePlan } from './storePlan.js';
export { type ExecutionSummary, summariseExecution, type TaskSummary } from './summariseExecution.js';
export { type WatchOptions, watchRun } from './watchRun.js';

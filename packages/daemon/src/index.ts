export type {
  AgentAdapter,
  AgentArtifact,
  AgentCommand,
  AgentDetection,
  AgentDone,
  AgentEnding,
  AgentFault,
  AgentHandOff,
  AgentLogin,
  AgentRequest,
  AgentSignal,
  AgentUsage,
  AgentVerdict,
  FailureClass,
  JsonValue,
  LineReader,
  ParsedLine,
} from './agents/agentAdapter.js';
export type { AgentDependencies } from './agents/agentDependencies.js';
export {
  type AgentsConfig,
  createConfiguredAgent,
  NO_AGENTS_CONFIG,
} from './agents/config/agentsConfig.js';
export {
  AGENTS_CONFIG_FILE,
  type AgentsConfigPlace,
  readAgentsConfig,
} from './agents/config/readAgentsConfig.js';
export {
  type MergeCallbacks,
  type MergeLimits,
  type MergeRequest,
  type MergeRun,
  type Merger,
  type MergeVerdict,
  nothingToMerge,
} from './agents/merger.js';
export { providerOf } from './agents/providerOf.js';
export { AGENT_NAMES, type AgentConfigurations, type AgentName, createAgent } from './agents/registry.js';
export type { AgentRunReport } from './agents/runAgent.js';
export { createShellMerger, type ShellMergerConfiguration } from './agents/shellMerger.js';
export * from './asking/index.js';
export * from './coordinator/index.js';
export * from './errors.js';
export * from './git/index.js';
export * from './metrics/index.js';
export * from './plans/index.js';
export type { ProcessOutcome } from './process/processOutcome.js';
export type { OutputLine, TerminationReason } from './process/processSpec.js';
export type { ProcessUsage, TreeUsage } from './process/processUsage.js';
export { describeDaemonLife, endStrays, findStrays, isLifeOver } from './process/strays.js';
export {
  DEFAULT_HEALTH_EVERY_MS,
  DEFAULT_STALLED_AFTER_MS,
  type HealthOptions,
  type HealthWatch,
  type ProcessHealth,
  watchHealth,
} from './process/watchHealth.js';
export * from './prompts/index.js';
export * from './routing/index.js';
export * from './text.js';
export * from './worker/index.js';

export type { AgentAdapter, AgentDetection } from './agents/agentAdapter.js';
export { AgentError, type AgentErrorCode } from './agents/agentError.js';
export { AGENT_NAMES, type AgentConfigurations, type AgentName, createAgent } from './agents/registry.js';
export * from './plans/index.js';
export { redactSecrets } from './process/redactSecrets.js';
export { sanitiseText } from './process/sanitiseText.js';
export { describeDaemonLife, endStrays, findStrays, isLifeOver } from './process/strays.js';
export * from './worker/index.js';

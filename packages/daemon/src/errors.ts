/** Every error of this package. By itself as `@neolith/daemon/errors`: to know them is not to load what throws them. */
export { AgentError, type AgentErrorCode } from './agents/agentError.js';
export { AgentsConfigError, type AgentsConfigErrorCode } from './agents/config/agentsConfigError.js';
export { AskError, type AskErrorCode } from './asking/askError.js';
export { CoordinatorError, type CoordinatorErrorCode } from './coordinator/coordinatorError.js';
export { GitError, type GitErrorCode } from './git/gitError.js';
export { RouterConfigError, type RouterConfigErrorCode } from './routing/routerConfigError.js';
export { DaemonError, type DaemonErrorCode } from './worker/daemonError.js';

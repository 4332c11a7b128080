export {
  type AgentAssignment,
  type AgentAvailability,
  assignAgents,
  DEFAULT_AGENT_ORDER,
} from './assignAgents.js';
export { classifyTask, type TaskClassification } from './classifyTask.js';
export type { RoutedTask } from './matchRule.js';
export { parseRouterConfig } from './parseRouterConfig.js';
export { ROUTER_CONFIG_FILE, readRouterConfig } from './readRouterConfig.js';
export {
  DEFAULT_ROUTER_CONFIG,
  type RouterConfig,
  type RouterRule,
  routerConfigSchema,
} from './routerConfig.js';
export { RouterConfigError, type RouterConfigErrorCode } from './routerConfigError.js';
export type { TaskText } from './taskText.js';
export { type Complexity, TASK_TYPES, type TaskType } from './taskType.js';

export { DEFAULT_AGENT_ORDER } from './agentOrder.js';
export { type AgentAssignment, type AgentAvailability, assignAgents } from './assignAgents.js';
export { classifyTask, type TaskClassification } from './classifyTask.js';
export { decideRoute, type RouteCandidate, type RouteDecision, type RouteInput } from './decideRoute.js';
export { type FiguresSource, followFigures } from './followFigures.js';
export { followRouterConfig, type RouterConfigSource } from './followRouterConfig.js';
export type { RoutedTask } from './matchRule.js';
export { parseRouterConfig } from './parseRouterConfig.js';
export { type MeasuredAgent, type RankedAgent, type RankingInput, rankByFigures } from './rankByFigures.js';
export { ROUTER_CONFIG_FILE, readRouterConfig } from './readRouterConfig.js';
export {
  DEFAULT_ROUTER_CONFIG,
  makeRouterJsonSchema,
  type RouterConfig,
  type RouterRule,
  routerConfigSchema,
} from './routerConfig.js';
export type { TaskText } from './taskText.js';
export { type Complexity, TASK_TYPES, type TaskType } from './taskType.js';

export { drawDot } from './drawDot.js';
export { drawMermaid } from './drawMermaid.js';
export { formatPlan, makePlanDocument, type WrittenPlan, type WrittenTask } from './formatPlan.js';
export { parsePlanDue } from './planDue.js';
export type { PlanGraph, PlanGraphTask } from './planGraph.js';
export { makePlanJsonSchema } from './planJsonSchema.js';
export { countUtf8Bytes, fitsUtf8Bytes, planLimits } from './planLimits.js';
export {
  type Plan,
  type PlanDefaults,
  type PlanInput,
  type PlanPhase,
  type PlanPriority,
  type PlanRun,
  type PlanTask,
  type PlanTaskStatus,
  planBackoffSchema,
  planDefaultsSchema,
  planPhaseSchema,
  planPriorities,
  planRunSchema,
  planSchema,
  planTaskSchema,
  planTaskStatuses,
} from './planSchema.js';

export { parsePlanDue } from './planDue.js';
export { makePlanJsonSchema } from './planJsonSchema.js';
export { countUtf8Bytes, fitsUtf8Bytes, planLimits } from './planLimits.js';
export {
  type Plan,
  type PlanDefaults,
  type PlanInput,
  type PlanPriority,
  type PlanTask,
  type PlanTaskStatus,
  planDefaultsSchema,
  planPriorities,
  planSchema,
  planTaskSchema,
  planTaskStatuses,
} from './planSchema.js';

export { formatPlanYaml, toWrittenPlan } from './formatPlanYaml.js';
export type { NormalisedPhase, NormalisedPlan, NormalisedTask } from './normalisedPlan.js';
export { type DeadlineOverlay, overlayDeadlines } from './overlayDeadlines.js';
export type { PlanCounts } from './planCounts.js';
export type { PlanFile } from './planFile.js';
export type { PlanPosition, PlanProblem, PlanProblemSeverity } from './planProblem.js';
export { type PlanProblemCode, type PlanProblemEffect, planProblemKinds } from './problemCodes.js';
export {
  type PlanFiles,
  type PlanFormat,
  type PlanReadResult,
  type ReadPlanInput,
  type ReadPlanOptions,
  readPlan,
} from './readPlan.js';

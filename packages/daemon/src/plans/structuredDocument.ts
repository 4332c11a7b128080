import type { PlanPosition } from './planProblem.js';
import type { PlanPath } from './planReader.js';

/** The value of a JSON or YAML text, and where each part of it stands. */
export interface StructuredDocument {
  readonly value: unknown;
  locate(path: PlanPath): PlanPosition;
}

import type { PlanProblemCode } from './problemCodes.js';

/** A place in a plan file. Lines and columns count from 1; no column means the whole line. */
export interface PlanPosition {
  readonly file: string;
  readonly line: number;
  readonly column?: number;
}

/**
 * `error`: the plan can't be used. `warning`: it can, but something was repaired or left out.
 * `notice`: nothing is wrong, but a person may want to know.
 */
export type PlanProblemSeverity = 'error' | 'warning' | 'notice';

export interface PlanProblem extends PlanPosition {
  readonly severity: PlanProblemSeverity;
  readonly code: PlanProblemCode;
  /** Names the thing and says what to do, or what was done about it. */
  readonly message: string;
}

/** A problem found before it is known how strictly the file is read. */
export interface PlanFault {
  readonly code: PlanProblemCode;
  readonly at: PlanPosition;
  readonly message: string;
}

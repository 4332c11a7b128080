import type { PlanPosition, PlanProblem, PlanProblemSeverity } from './planProblem.js';
import { type PlanProblemCode, type PlanProblemEffect, planProblemKinds } from './problemCodes.js';

export interface ProblemLog {
  add(code: PlanProblemCode, at: PlanPosition, message: string): void;
  hasErrors(): boolean;
  /** All problems, by file, line and column; those of one place in the order they were found. */
  list(): PlanProblem[];
}

/** Collects problems. `strict` makes errors of the warnings that say something was left out. */
export function createProblemLog(strict: boolean): ProblemLog {
  const problems: PlanProblem[] = [];
  let errors = 0;
  return {
    add(code, at, message) {
      const severity = severityOf(planProblemKinds[code].effect, strict);
      if (severity === 'error') errors += 1;
      problems.push({ severity, code, message, ...at });
    },
    hasErrors: () => errors > 0,
    list: () => problems.toSorted(byPosition),
  };
}

function severityOf(effect: PlanProblemEffect, strict: boolean): PlanProblemSeverity {
  switch (effect) {
    case 'unusable':
      return 'error';
    case 'dropped':
      return strict ? 'error' : 'warning';
    case 'repaired':
      return 'warning';
    case 'noted':
      return 'notice';
  }
}

function byPosition(a: PlanProblem, b: PlanProblem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || (a.column ?? 0) - (b.column ?? 0);
}

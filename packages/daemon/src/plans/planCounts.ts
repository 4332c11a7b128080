import type { PlanPriority, PlanTaskStatus } from '@neolith/contracts';
import type { NormalisedResult } from './normalisePlan.js';
import type { PlanProblem, PlanProblemSeverity } from './planProblem.js';
import type { DraftPlan } from './planReader.js';
import type { PlanProblemCode } from './problemCodes.js';

export interface PlanCounts {
  /** Tasks written in the file, readable or not. */
  readonly rows: number;
  /** Tasks of the plan, as left after repairs. */
  readonly tasks: number;
  readonly statuses: Readonly<Record<PlanTaskStatus, number>>;
  readonly priorities: Readonly<Record<PlanPriority, number>>;
  readonly missingPriorities: number;
  readonly dependencies: {
    /** All that the plan has: written + closesLast + inherited + afterPhases − contradicting. */
    readonly total: number;
    /** Those in the file, without the dangling, the doubled and those of a task on itself. */
    readonly written: number;
    /** Those that make a parent wait for its children. */
    readonly closesLast: number;
    /** Those that tasks have from their parents. */
    readonly inherited: number;
    /** Those that make tasks wait for a whole phase. */
    readonly afterPhases: number;
    /** Of the three kinds before, how many were not made because the file says the opposite. */
    readonly contradicting: number;
  };
  /** The file in its own words, before anything was repaired. Statuses: '' where there is none. */
  readonly source: {
    readonly edges: number;
    readonly edgeTypes: Readonly<Record<string, number>>;
    readonly danglingEdges: number;
    readonly statuses: Readonly<Record<string, number>>;
  };
  readonly severities: Readonly<Record<PlanProblemSeverity, number>>;
  readonly problems: Readonly<Partial<Record<PlanProblemCode, number>>>;
}

export function countPlan(
  draft: DraftPlan | null,
  result: NormalisedResult | null,
  problems: readonly PlanProblem[],
): PlanCounts {
  const tasks = result?.plan.tasks ?? [];
  const statuses = { open: 0, done: 0, cancelled: 0 };
  const priorities = { CRITICAL: 0, HIGH: 0, MEDIUM: 0, LOW: 0 };
  for (const { status, priority } of tasks) {
    statuses[status] += 1;
    priorities[priority] += 1;
  }
  const severities = { error: 0, warning: 0, notice: 0 };
  const codes: Partial<Record<PlanProblemCode, number>> = {};
  for (const { severity, code } of problems) {
    severities[severity] += 1;
    codes[code] = (codes[code] ?? 0) + 1;
  }
  const edgeTypes = draft?.source.edgeTypes ?? new Map<string, number>();
  return {
    rows: draft?.source.rows ?? 0,
    tasks: tasks.length,
    statuses,
    priorities,
    missingPriorities: draft?.source.missingPriorities ?? 0,
    dependencies: {
      total: tasks.reduce((sum, task) => sum + task.dependsOn.length, 0),
      ...(result?.dependencies ?? {
        written: 0,
        closesLast: 0,
        inherited: 0,
        afterPhases: 0,
        contradicting: 0,
      }),
    },
    source: {
      edges: [...edgeTypes.values()].reduce((sum, count) => sum + count, 0),
      // Words of the file become keys here; fromEntries makes even "__proto__" a plain one.
      edgeTypes: Object.fromEntries(edgeTypes),
      danglingEdges: draft?.source.danglingEdges ?? 0,
      statuses: Object.fromEntries(draft?.source.statuses ?? []),
    },
    severities,
    problems: codes,
  };
}

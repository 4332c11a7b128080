import type { PlanPriority, PlanTaskStatus } from '@neolith/contracts';

/** A plan of any format, checked and ready to import: every reference exists, nothing waits in a circle. */
export interface NormalisedPlan {
  readonly name: string;
  readonly description: string | null;
  /** In the order of the file. */
  readonly tasks: readonly NormalisedTask[];
}

export interface NormalisedTask {
  /** The task's id in its file, unique in the plan. */
  readonly sourceId: string;
  readonly title: string;
  readonly description: string | null;
  readonly priority: PlanPriority;
  /** Its own, or that of the nearest parent that has one, or the plan's. */
  readonly dueAt: Date | null;
  readonly tags: readonly string[];
  /** Source ids of all prerequisites, written ones first, then those that follow from parents. No id twice. */
  readonly dependsOn: readonly string[];
  /** Those of `dependsOn` that the file does not say: a parent's children, and what a parent waits for. */
  readonly derivedDependsOn: readonly string[];
  readonly parentSourceId: string | null;
  readonly status: PlanTaskStatus;
  readonly createdAt: Date | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly acceptanceCriteria: readonly string[];
  readonly estimateMinutes: number | null;
  readonly maxAttempts: number | null;
  readonly timeoutSeconds: number | null;
  /** Name or id as written in the plan. */
  readonly orchestrator: string | null;
  readonly file: string;
  readonly line: number;
}

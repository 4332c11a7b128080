import type { BackoffSettings, PlanPriority, PlanRun, PlanTaskStatus } from '@neolith/contracts';

/** A plan of any format, checked and ready to import: every reference exists, nothing waits in a circle. */
export interface NormalisedPlan {
  readonly name: string;
  readonly description: string | null;
  /** Settings of the run as the plan gives them; null when it gives none. */
  readonly run: PlanRun | null;
  /** In the order of the file; what they say is in the tasks already. */
  readonly phases: readonly NormalisedPhase[];
  /** In the order of the file. */
  readonly tasks: readonly NormalisedTask[];
}

export interface NormalisedPhase {
  /** Unique in the plan. */
  readonly id: string;
  readonly name: string;
  /** Id of the phase it is part of. */
  readonly parent: string | null;
}

export interface NormalisedTask {
  /** The task's id in its file, unique in the plan. */
  readonly sourceId: string;
  readonly title: string;
  readonly description: string | null;
  readonly priority: PlanPriority;
  /** Its own, or its phase's, or that of the nearest parent that has one, or the plan's. */
  readonly dueAt: Date | null;
  readonly tags: readonly string[];
  /** What it must not use at once with other tasks, as `exclusive NAME` or `shared NAME`. */
  readonly resources: readonly string[];
  /** Source ids of all prerequisites, written ones first, then those that follow from parents. No id twice. */
  readonly dependsOn: readonly string[];
  /** Those of `dependsOn` that follow from parents and phases: a parent's children, what a parent or a phase waits for. */
  readonly derivedDependsOn: readonly string[];
  readonly parentSourceId: string | null;
  /** Id of its phase, also in the metadata by name (`phase`) and among the tags (`phase:…`). */
  readonly phase: string | null;
  readonly status: PlanTaskStatus;
  readonly createdAt: Date | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly acceptanceCriteria: readonly string[];
  readonly estimateMinutes: number | null;
  readonly maxAttempts: number | null;
  /** How long it waits after a failure; null: as its run says. */
  readonly backoff: BackoffSettings | null;
  readonly timeoutSeconds: number | null;
  /** Name or id as written in the plan. */
  readonly orchestrator: string | null;
  readonly file: string;
  readonly line: number;
}

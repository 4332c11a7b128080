/** A task as the formats that plans are written in need it. Ids are those of the plan, or of the server. */
export interface PlanGraphTask {
  readonly id: string;
  readonly title: string;
  /** Of the plan (`open`) or of the server (`IN_PROGRESS`), in any case. */
  readonly status?: string | null | undefined;
  /** Ids; those that are not in the list are left out of drawings. */
  readonly dependsOn: readonly string[];
  readonly parent?: string | null | undefined;
  readonly priority?: string | null | undefined;
  /** Name or id of its phase: tasks of one phase are drawn in one box. */
  readonly phase?: string | null | undefined;
}

export interface PlanGraphPhase {
  readonly id: string;
  readonly name: string;
  /** Id of the phase it is part of. */
  readonly parent: string | null;
}

export interface PlanGraph {
  readonly name: string;
  /** What the phases that tasks name are called; those that are not here are called by what tasks name them. */
  readonly phases?: readonly PlanGraphPhase[] | undefined;
  readonly tasks: readonly PlanGraphTask[];
}

/** What a task is drawn as: its class in Mermaid, its colours in Graphviz. */
export type DrawnStatus = 'open' | 'blocked' | 'running' | 'merging' | 'done' | 'failed' | 'cancelled';

export const statusColours: Readonly<Record<DrawnStatus, { readonly fill: string; readonly line: string }>> =
  {
    open: { fill: '#ffffff', line: '#64748b' },
    blocked: { fill: '#f1f5f9', line: '#94a3b8' },
    running: { fill: '#dbeafe', line: '#2563eb' },
    merging: { fill: '#ede9fe', line: '#7c3aed' },
    done: { fill: '#dcfce7', line: '#16a34a' },
    failed: { fill: '#fee2e2', line: '#dc2626' },
    cancelled: { fill: '#f5f5f4', line: '#a8a29e' },
  };

const drawnStatuses: ReadonlyMap<string, DrawnStatus> = new Map([
  ['open', 'open'],
  ['todo', 'open'],
  ['blocked', 'blocked'],
  ['in_progress', 'running'],
  ['merging', 'merging'],
  ['done', 'done'],
  ['failed', 'failed'],
  ['cancelled', 'cancelled'],
]);

/** Null for tasks without a status, or with one that has no colour here. */
export function drawStatus(status: string | null | undefined): DrawnStatus | null {
  return drawnStatuses.get(status?.toLowerCase() ?? '') ?? null;
}

export interface DrawnPhase {
  /** Null for the tasks without a phase. */
  readonly name: string | null;
  readonly tasks: readonly PlanGraphTask[];
}

/** The tasks by phase, phases in the order of their first task. */
export function groupByPhase({ tasks, phases = [] }: PlanGraph): DrawnPhase[] {
  const nameOf = new Map(phases.map(({ id, name }) => [id, name]));
  const groups = new Map<string | null, PlanGraphTask[]>();
  for (const task of tasks) {
    const phase = task.phase ?? null;
    const group = groups.get(phase);
    if (group === undefined) groups.set(phase, [task]);
    else group.push(task);
  }
  return [...groups].map(([phase, members]) => ({
    name: phase === null ? null : (nameOf.get(phase) ?? phase),
    tasks: members,
  }));
}

import {
  type Plan,
  type PlanPhase,
  type PlanPriority,
  type PlanTask,
  parsePlanDue,
} from '@neolith/contracts';

/** What a task takes over from the phase it belongs to and those around that. */
export interface PhaseGifts {
  readonly dueAt: Date | null;
  readonly priority: PlanPriority | null;
  readonly tags: readonly string[];
}

const nothing: PhaseGifts = { dueAt: null, priority: null, tags: [] };

/**
 * For each task of a plan what its phase gives it. A task without a phase belongs to that of its parent, but has
 * its due date from the parent, which may have one of its own. Circles are for others to report; here they end.
 */
export function listPhaseGifts(plan: Plan): PhaseGifts[] {
  const giftsOf = createPhaseGifts(plan.phases ?? []);
  const tasks = new Map<string, PlanTask>();
  for (const task of plan.tasks) if (!tasks.has(task.id)) tasks.set(task.id, task);
  const phaseOf = new Map<string, string | null>();
  return plan.tasks.map((task) => {
    if (task.phase !== undefined) return giftsOf(task.phase);
    return { ...giftsOf(findPhase(task)), dueAt: null };
  });

  function findPhase(start: PlanTask): string | null {
    const walked = new Set<string>();
    let phase: string | null = null;
    for (let task: PlanTask | undefined = start; task !== undefined && !walked.has(task.id); ) {
      const known = phaseOf.get(task.id);
      phase = task.phase ?? known ?? null;
      if (phase !== null || known === null) break;
      walked.add(task.id);
      task = task.parent === undefined ? undefined : tasks.get(task.parent);
    }
    for (const id of walked) phaseOf.set(id, phase);
    return phase;
  }
}

function createPhaseGifts(list: readonly PlanPhase[]): (id: string | null) => PhaseGifts {
  const phases = new Map<string, PlanPhase>();
  for (const phase of list) if (!phases.has(phase.id)) phases.set(phase.id, phase);
  const known = new Map<string, PhaseGifts>();

  return (start) => {
    const chain: PlanPhase[] = [];
    const seen = new Set<string>();
    let around = nothing;
    for (let id = start; id !== null && !seen.has(id); ) {
      const before = known.get(id);
      const phase = phases.get(id);
      if (before !== undefined) around = before;
      if (before !== undefined || phase === undefined) break;
      seen.add(id);
      chain.push(phase);
      id = phase.parent ?? null;
    }
    for (const phase of chain.reverse()) {
      around = {
        dueAt: phase.due === undefined ? around.dueAt : parsePlanDue(phase.due),
        priority: phase.priority ?? around.priority,
        tags: [...new Set([...around.tags, ...(phase.tags ?? [])])],
      };
      known.set(phase.id, around);
    }
    return around;
  };
}

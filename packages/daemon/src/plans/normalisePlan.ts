import { at, createCsrGraph } from './csrGraph.js';
import { dependenciesMax, deriveDependencies } from './deriveDependencies.js';
import { describePath, describePlace } from './describePath.js';
import { dropContradictions } from './dropContradictions.js';
import { findCycles } from './findCycles.js';
import { inheritDueDates } from './inheritDueDates.js';
import { keepUniqueTasks } from './keepUniqueTasks.js';
import { labelWithPhase, listPhasePaths } from './labelWithPhase.js';
import type { NormalisedPlan, NormalisedTask } from './normalisedPlan.js';
import { openParentCircles } from './openParentCircles.js';
import type { DraftPlan } from './planReader.js';
import type { ProblemLog } from './problemLog.js';
import { resolvePhases } from './resolvePhases.js';
import { type ResolvedTasks, resolveReferences } from './resolveReferences.js';

export interface NormalisedResult {
  readonly plan: NormalisedPlan;
  readonly dependencies: {
    written: number;
    closesLast: number;
    inherited: number;
    afterPhases: number;
    contradicting: number;
  };
}

/**
 * Checks what concerns several tasks, the same for every format: unique ids, references, parents, cycles,
 * inherited due dates. Returns null when there is no plan to speak of; whether a plan that is returned may be
 * used is for the log to say. Linear in tasks and (written and derived) dependencies, no recursion.
 */
export function normalisePlan(draft: DraftPlan, log: ProblemLog, file: string): NormalisedResult | null {
  const unique = keepUniqueTasks(draft.tasks, log);
  if (unique.length === 0) {
    log.add('TASKS_EMPTY', { file, line: 1 }, `There is no task in ${file}; add at least one.`);
    return null;
  }
  const resolved = resolveReferences(draft, unique, log);
  const parents = openParentCircles(resolved, log);
  const phases = resolvePhases(draft, resolved, parents, log);
  if (reportCycles(resolved, log) || phases === null) return null;

  const derivation = draft.dependenciesComplete
    ? { derived: [], closesLast: 0, inherited: 0, afterPhases: 0 }
    : deriveDependencies(resolved, parents, phases);
  if (derivation === null) {
    const limit = dependenciesMax.toLocaleString('en-US');
    log.add(
      'DEPENDENCIES_TOO_MANY',
      { file, line: 1 },
      `With what follows from parents and phases there are more than ${limit} dependencies; let fewer parents with many children, and fewer large phases, wait for many tasks.`,
    );
    return null;
  }
  const derived = leaveOutContradictions(resolved, derivation.derived, log);
  reportCancelledPrerequisites(resolved, log);

  const due = inheritDueDates(resolved.tasks, parents, draft.dueAt);
  const phasePaths = listPhasePaths(phases);
  const tasks = resolved.tasks.map((task, index): NormalisedTask => {
    const toId = (other: number) => resolved.tasks[other]?.sourceId ?? '';
    const derivedIds = derived.kept[index]?.map(toId) ?? [];
    const parent = at(parents, index);
    const phase = phases.phases[at(phases.phaseOf, index)];
    const labels = labelWithPhase(task, phasePaths[at(phases.phaseOf, index)] ?? null);
    return {
      // Field by field: taking "the rest" of each of 100,000 tasks takes half a second.
      sourceId: task.sourceId,
      title: task.title,
      description: task.description,
      priority: task.priority,
      tags: labels.tags,
      resources: task.resources,
      status: task.status,
      createdAt: task.createdAt,
      metadata: labels.metadata,
      acceptanceCriteria: task.acceptanceCriteria,
      estimateMinutes: task.estimateMinutes,
      maxAttempts: task.maxAttempts,
      backoff: task.backoff,
      timeoutSeconds: task.timeoutSeconds,
      orchestrator: task.orchestrator,
      dueAt: due[index] ?? null,
      dependsOn: [...(resolved.prerequisites[index] ?? []).map(toId), ...derivedIds],
      derivedDependsOn: derivedIds,
      phase: phase?.id ?? null,
      parentSourceId: parent === -1 ? null : toId(parent),
      file: task.at.file,
      line: task.at.line,
    };
  });
  return {
    plan: {
      name: draft.name,
      description: draft.description,
      run: draft.run,
      phases: phases.phases.map(({ id, name }, index) => ({
        id,
        name,
        parent: phases.phases[at(phases.parents, index)]?.id ?? null,
      })),
      tasks,
    },
    dependencies: {
      written: resolved.prerequisites.reduce((sum, list) => sum + list.length, 0),
      closesLast: derivation.closesLast,
      inherited: derivation.inherited,
      afterPhases: derivation.afterPhases,
      contradicting: derived.dropped,
    },
  };
}

function reportCycles({ tasks, prerequisites }: ResolvedTasks, log: ProblemLog): boolean {
  const cycles = findCycles(createCsrGraph(prerequisites));
  for (const cycle of cycles) {
    const task = tasks[cycle[0] ?? 0];
    const next = tasks[cycle[1] ?? 0];
    if (task === undefined || next === undefined) continue;
    log.add(
      'CYCLE',
      task.locate(['dependsOn', task.dependsOn.indexOf(next.sourceId)]),
      `These tasks wait for one another: ${describePath(tasks, cycle)}; remove one of these dependencies.`,
    );
  }
  return cycles.length > 0;
}

function leaveOutContradictions(
  resolved: ResolvedTasks,
  derived: readonly (readonly number[])[],
  log: ProblemLog,
): { kept: readonly (readonly number[])[]; dropped: number } {
  const contradictions = dropContradictions(resolved.prerequisites, derived);
  if (contradictions.length === 0) return { kept: derived, dropped: 0 };
  const droppedOf = new Map<number, Set<number>>();
  for (const { task: index, prerequisite } of contradictions) {
    droppedOf.set(index, (droppedOf.get(index) ?? new Set()).add(prerequisite));
    const task = resolved.tasks[index];
    const other = resolved.tasks[prerequisite];
    if (task === undefined || other === undefined) continue;
    log.add(
      'DEPENDENCY_DERIVED_DROPPED',
      task.at,
      `By its place among the parents and phases ${task.sourceId} would wait for ${other.sourceId} (${describePlace(other.at, task.at)}), but that waits for ${task.sourceId} already; only what the file says was kept.`,
    );
  }
  const kept = derived.map((list, index) => {
    const dropped = droppedOf.get(index);
    return dropped === undefined ? list : list.filter((other) => !dropped.has(other));
  });
  return { kept, dropped: contradictions.length };
}

function reportCancelledPrerequisites({ tasks, prerequisites }: ResolvedTasks, log: ProblemLog): void {
  for (const [index, list] of prerequisites.entries()) {
    const task = tasks[index];
    if (task?.status !== 'open') continue;
    for (const other of list) {
      const prerequisite = tasks[other];
      if (prerequisite?.status !== 'cancelled') continue;
      log.add(
        'PREREQUISITE_CANCELLED',
        task.locate(['dependsOn', task.dependsOn.indexOf(prerequisite.sourceId)]),
        `${task.sourceId} depends on ${prerequisite.sourceId}, which is cancelled, and would wait for ever; remove the dependency or cancel it too.`,
      );
    }
  }
}

import type { BackoffSettings } from '../schemas/backoff.js';
import type { PlanGraph, PlanGraphTask } from './planGraph.js';
import { planLimits } from './planLimits.js';
import {
  type PlanInput,
  type PlanPriority,
  type PlanRun,
  type PlanTaskStatus,
  planPriorities,
  planTaskStatuses,
} from './planSchema.js';

/** A task with everything the plan format has a place for. */
export interface WrittenTask extends PlanGraphTask {
  readonly description?: string | null | undefined;
  readonly dueAt?: Date | null | undefined;
  readonly tags?: readonly string[] | undefined;
  /** As `exclusive NAME` or `shared NAME`. */
  readonly resources?: readonly string[] | undefined;
  readonly orchestrator?: string | null | undefined;
  readonly estimateMinutes?: number | null | undefined;
  readonly maxAttempts?: number | null | undefined;
  readonly backoff?: BackoffSettings | null | undefined;
  readonly timeoutSeconds?: number | null | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  readonly acceptanceCriteria?: readonly string[] | undefined;
}

export interface WrittenPlan extends PlanGraph {
  readonly description?: string | null | undefined;
  readonly run?: PlanRun | null | undefined;
  readonly tasks: readonly WrittenTask[];
}

/**
 * A plan in our own format, as an object that becomes JSON or YAML. Everything is written out, so that reading it
 * gives the same tasks again; dependencies and parents that are not among the tasks are left out, and names and
 * titles that are longer than a plan may hold are cut. Pure.
 *
 * A status of the server that a plan does not have (`IN_PROGRESS`, `BLOCKED`, `FAILED` …) becomes `open`.
 */
export function makePlanDocument(plan: WrittenPlan): PlanInput {
  const known = new Set(plan.tasks.map(({ id }) => id));
  const phases = listPhases(plan);
  const isDerived = phases.length > 0 || plan.tasks.some(({ parent }) => parent != null && known.has(parent));
  return {
    version: 1,
    name: cut(plan.name.trim() || 'Plan', planLimits.nameCharsMax),
    ...(plan.description ? { description: plan.description } : {}),
    ...(plan.run == null ? {} : { run: plan.run }),
    ...(phases.length === 0 ? {} : { phases }),
    ...(isDerived ? { dependenciesComplete: true } : {}),
    tasks: plan.tasks.map((task) => makeTask(task, known)),
  };
}

/** The same as JSON text, indented by two spaces. */
export function formatPlan(plan: WrittenPlan): string {
  return `${JSON.stringify(makePlanDocument(plan), null, 2)}\n`;
}

function listPhases({ phases = [], tasks }: WrittenPlan): NonNullable<PlanInput['phases']> {
  const ids = new Set(phases.map(({ id }) => id));
  const listed = phases.map(({ id, name, parent }) => ({
    id,
    ...(name === id || name.trim() === '' ? {} : { name: cut(name, planLimits.nameCharsMax) }),
    ...(parent === null || !ids.has(parent) ? {} : { parent }),
  }));
  for (const { phase } of tasks) {
    const id = toPhaseId(phase);
    if (id === null || ids.has(id)) continue;
    ids.add(id);
    listed.push({ id });
  }
  return listed;
}

function makeTask(task: WrittenTask, known: ReadonlySet<string>): PlanInput['tasks'][number] {
  const { id, title, description, priority, dueAt, tags, resources, dependsOn, parent, phase, orchestrator } =
    task;
  const { estimateMinutes, maxAttempts, backoff, timeoutSeconds, metadata, acceptanceCriteria } = task;
  const status = toPlanStatus(task.status);
  const phaseId = toPhaseId(phase);
  const prerequisites = [...new Set(dependsOn)].filter((other) => other !== id && known.has(other));
  return {
    id,
    title: cut(title, planLimits.titleCharsMax),
    ...(description ? { description } : {}),
    ...(isPriority(priority) ? { priority } : {}),
    ...(dueAt == null ? {} : { due: dueAt.toISOString() }),
    ...(tags === undefined || tags.length === 0 ? {} : { tags: [...tags] }),
    ...(resources === undefined || resources.length === 0
      ? {}
      : { resources: resources.map((use) => use.replace(/^exclusive /, '')) }),
    ...(prerequisites.length === 0 ? {} : { dependsOn: prerequisites }),
    ...(parent == null || !known.has(parent) ? {} : { parent }),
    ...(phaseId === null ? {} : { phase: phaseId }),
    ...(orchestrator ? { orchestrator } : {}),
    ...(estimateMinutes == null ? {} : { estimateMinutes }),
    ...(maxAttempts == null ? {} : { maxAttempts }),
    ...(backoff == null ? {} : { backoff }),
    ...(timeoutSeconds == null ? {} : { timeoutMinutes: timeoutSeconds / 60 }),
    ...(metadata === undefined || Object.keys(metadata).length === 0 ? {} : { metadata }),
    ...(status === 'open' ? {} : { status }),
    ...(acceptanceCriteria === undefined || acceptanceCriteria.length === 0
      ? {}
      : { acceptanceCriteria: [...acceptanceCriteria] }),
  };
}

/** Phases of a run are known by their names, which hold more than an id may. */
function toPhaseId(phase: string | null | undefined): string | null {
  const id = cut((phase ?? '').replace(/\p{Cc}+/gu, ' ').trim(), planLimits.idCharsMax);
  return id === '' ? null : id;
}

function toPlanStatus(status: string | null | undefined): PlanTaskStatus {
  return planTaskStatuses.find((word) => word === status?.toLowerCase()) ?? 'open';
}

function isPriority(priority: string | null | undefined): priority is PlanPriority {
  return planPriorities.some((word) => word === priority);
}

function cut(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

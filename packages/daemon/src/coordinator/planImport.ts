import type { CallInput, endpoints, RunSettings } from '@neolith/contracts';
import type { NormalisedPlan, NormalisedTask } from '../plans/normalisedPlan.js';
import { CoordinatorError } from './coordinatorError.js';

export type PlanImportBody = NonNullable<CallInput<(typeof endpoints)['importPlan']>['body']>;
type NewTaskBody = PlanImportBody['tasks'][number];

/** What the server takes. */
const TAG_CHARS_MAX = 64;
const SOURCE_CHARS_MAX = 300;
export const TASKS_MAX = 20_000;
const BODY_BYTES_MAX = 64 * 1024 * 1024;

export interface PlanPlacement {
  readonly source: string;
  /** Whose each task is, by source id; see `assignTasks`. */
  readonly assignments: ReadonlyMap<string, string | null>;
  /** Who does the tasks that name nobody. */
  readonly orchestratorId: string | null;
  readonly channelId: string | null;
  readonly settings: RunSettings;
  /** Of the run; tasks without a due date inherit it. */
  readonly dueAt: Date | null;
  readonly dryRun: boolean;
  readonly start: boolean;
}

/** What a plan is called where it is stored: by this name a second import finds the run again. Pure. */
export function sourceOf(plan: Pick<NormalisedPlan, 'name'>, given: string | undefined): string {
  return (given ?? plan.name).slice(0, SOURCE_CHARS_MAX).toWellFormed();
}

/**
 * A plan as the server stores it. Pure.
 * @throws CoordinatorError `PLAN_TOO_LARGE` for more than a run may hold
 */
export function toPlanImport(plan: NormalisedPlan, placement: PlanPlacement): PlanImportBody {
  const { source, orchestratorId, settings, dueAt, dryRun, start } = placement;
  if (plan.tasks.length > TASKS_MAX) {
    throw new CoordinatorError(
      'PLAN_TOO_LARGE',
      `The plan has ${plan.tasks.length} tasks, and a run holds at most ${TASKS_MAX}. Split it into plans of their own, each with a name (or --source) of its own. Nothing was changed.`,
    );
  }
  const body: PlanImportBody = {
    name: plan.name,
    source,
    ...(plan.description === null ? {} : { description: plan.description }),
    orchestratorId,
    ...(dueAt === null ? {} : { dueAt: dueAt.toISOString() }),
    config: settings as NonNullable<PlanImportBody['config']>,
    dryRun,
    start,
    tasks: plan.tasks.map((task) => toNewTask(task, placement)),
  };
  const bytes = Buffer.byteLength(JSON.stringify(body));
  if (bytes > BODY_BYTES_MAX) {
    throw new CoordinatorError(
      'PLAN_TOO_LARGE',
      `The plan takes ${Math.ceil(bytes / 1024 / 1024)} MB, and one import at most ${BODY_BYTES_MAX / 1024 / 1024} MB. Split it, or shorten descriptions and metadata. Nothing was changed.`,
    );
  }
  return body;
}

/** What the plan leaves open is left out. */
function toNewTask(task: NormalisedTask, placement: PlanPlacement): NewTaskBody {
  // A task that is imported again is compared with what is stored, so it must say what it inherits.
  const dueAt = task.dueAt ?? placement.dueAt;
  return {
    key: task.sourceId,
    source: placement.source,
    sourceId: task.sourceId,
    title: task.title,
    priority: task.priority,
    tags: fitTags(task.tags),
    resources: [...task.resources],
    acceptanceCriteria: [...task.acceptanceCriteria],
    metadata: task.metadata as NonNullable<NewTaskBody['metadata']>,
    orchestratorId: placement.assignments.get(task.sourceId) ?? null,
    channelId: placement.channelId,
    dependsOn: [...task.dependsOn],
    parentId: task.parentSourceId,
    status: task.status === 'done' ? 'DONE' : task.status === 'cancelled' ? 'CANCELLED' : 'TODO',
    ...(task.description === null ? {} : { description: task.description }),
    ...(dueAt === null ? {} : { dueAt: dueAt.toISOString() }),
    ...(task.createdAt === null ? {} : { createdAt: task.createdAt.toISOString() }),
    ...(task.maxAttempts === null ? {} : { maxAttempts: task.maxAttempts }),
    ...(task.backoff === null ? {} : { backoff: task.backoff }),
    ...(task.timeoutSeconds === null ? {} : { timeoutSeconds: Math.max(1, Math.round(task.timeoutSeconds)) }),
    ...(task.estimateMinutes === null
      ? {}
      : { estimateMinutes: Math.max(1, Math.round(task.estimateMinutes)) }),
  };
}

function fitTags(tags: readonly string[]): string[] {
  const fitting = tags
    .map((tag) => tag.trim().slice(0, TAG_CHARS_MAX).trim().toWellFormed())
    .filter((tag) => tag !== '');
  return [...new Set(fitting)];
}

/** The tags that have to be cut. */
export function cutTags(tags: readonly string[]): string[] {
  return tags.filter((tag) => tag.trim().length > TAG_CHARS_MAX);
}

import { RESOURCES_MAX } from '@neolith/contracts';
import type { DraftTask } from '../../planReader.js';
import type { ProblemLog } from '../../problemLog.js';
import { makeForeignMetadata } from '../makeForeignMetadata.js';
import type { SourceCounts } from '../sourceCounts.js';
import { createTaskFitter } from '../taskFitter.js';
import type { MarkdownPhase, MarkdownSettings, MarkdownTask } from './markdownTask.js';
import type { createNameResolver, NamedTask, ResolvedNames } from './resolveNames.js';

export interface TaskMaking {
  readonly resolve: ReturnType<typeof createNameResolver>;
  readonly afterOf: ReadonlyMap<MarkdownPhase, ResolvedNames>;
  readonly phaseIds: ReadonlyMap<MarkdownPhase, string>;
  readonly inherit: (task: MarkdownTask) => MarkdownSettings;
  readonly counts: SourceCounts;
  readonly log: ProblemLog;
}

/** The tasks of the plan, with names looked up and everything that holds for them filled in. */
export function makeTasks(named: readonly NamedTask[], making: TaskMaking): DraftTask[] {
  const idOf = new Map(named.map(({ id, task }) => [task, id]));
  return named.map(({ id, task }) => makeTask(id, task, idOf, making));
}

function makeTask(
  id: string,
  task: MarkdownTask,
  idOf: ReadonlyMap<MarkdownTask, string>,
  { resolve, afterOf, phaseIds, inherit, counts, log }: TaskMaking,
): DraftTask {
  const { at, parent, phase } = task;
  const fit = createTaskFitter(id, at, log);
  const settings = inherit(task);
  const names = resolve(task.after, {
    subject: id,
    phase,
    parent,
    previous: task.previous,
    phasesFirst: false,
  });
  const dependencies = [...names.tasks];
  if (parent === null) {
    // A phase may wait for single tasks too; its subtasks have that from their parents.
    for (let around = phase; around !== null; around = around.parent) {
      const given = afterOf.get(around)?.tasks ?? [];
      dependencies.push(
        ...given.filter((other) => other.id !== id && !dependencies.some((known) => known.id === other.id)),
      );
    }
  }
  counts.addRow();
  counts.addStatus(task.status);
  if (settings.priority === undefined) counts.addMissingPriority();
  for (const _ of [...dependencies, ...names.phases]) counts.addEdge('depends on', false);
  if (parent !== null) counts.addEdge('subtask', false);

  const title = fit.title(task.title);
  const kept = new Map<string, unknown>(Object.entries(task.unread));
  if (title !== task.title && task.title !== '') kept.set('title', task.title);
  return {
    sourceId: id,
    title,
    description: fit.description(task.description.join('\n\n')),
    priority: settings.priority ?? 'MEDIUM',
    dueAt: settings.dueAt ?? null,
    tags: fit.tags(settings.tags),
    resources: (settings.resources ?? []).slice(0, RESOURCES_MAX),
    dependsOn: dependencies.map((other) => other.id),
    parentSourceId: parent === null ? null : (idOf.get(parent) ?? null),
    extraParentSourceIds: [],
    status: task.status,
    createdAt: null,
    updatedAt: null,
    metadata: {
      ...makeForeignMetadata('markdown', { id, at }, kept, log),
      ...(settings.agent === undefined ? {} : { agent: settings.agent }),
    },
    acceptanceCriteria: fit.acceptanceCriteria(task.acceptanceCriteria),
    estimateMinutes: task.estimateMinutes,
    maxAttempts: settings.maxAttempts ?? null,
    backoff: settings.backoff ?? null,
    timeoutSeconds: settings.timeoutSeconds ?? null,
    orchestrator: settings.orchestrator ?? null,
    phase: parent === null && phase !== null ? (phaseIds.get(phase) ?? null) : null,
    afterPhases: names.phases.map((other) => other.id),
    at,
    locate: ([field, index]) => {
      if (field === 'dependsOn') return dependencies[Number(index)]?.at ?? at;
      if (field === 'afterPhases') return names.phases[0]?.at ?? at;
      return at;
    },
  };
}

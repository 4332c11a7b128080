import type { DraftTask, PlanReaderOptions } from '../../planReader.js';
import { showValue } from '../../showValue.js';
import { readForeignPriority } from '../foreignPriority.js';
import { readForeignStatus } from '../foreignStatus.js';
import { openForeignTask } from '../foreignTask.js';
import { makeForeignMetadata } from '../makeForeignMetadata.js';
import { createTaskFitter } from '../taskFitter.js';
import { taskMasterStatuses, taskMasterTaskFields } from './taskMasterMapping.js';
import type { TaskMasterRow, TaskMasterRowContext } from './taskMasterRows.js';

export interface TaskMasterContext extends TaskMasterRowContext {
  readonly tag: string;
  /** Ids of all tasks and subtasks of the list. */
  readonly known: ReadonlySet<string>;
  readonly options: PlanReaderOptions;
}

/** Turns a task or subtask into a task of ours; whatever can't be taken over is reported and kept in the metadata. */
export function readTaskMasterTask(row: TaskMasterRow, context: TaskMasterContext): DraftTask {
  const { id, parent, record, path } = row;
  const { tag, prefix, known, log, counts, options } = context;
  // Where each dependency that was taken stands among those that are written.
  const positions: number[] = [];
  const locate: DraftTask['locate'] = ([field, ...rest]) => {
    if (field === undefined) return context.locate(path);
    if (field !== 'dependsOn') return context.locate([...path, field, ...rest]);
    const position = positions[Number(rest[0])];
    return context.locate([...path, 'dependencies', ...(position === undefined ? [] : [position])]);
  };
  const at = locate([]);
  const fit = createTaskFitter(id, at, log);
  const task = openForeignTask(
    { id, record, at, log, locateField: (field) => locate([field]) },
    taskMasterTaskFields,
  );
  const { kept, refuse } = task;
  if (prefix !== '') kept.set('tag', tag);

  const title = fit.title(readText('title'));
  if (title.endsWith('…') && title !== record.title) kept.set('title', record.title);
  const sections = [
    ['', readText('description')],
    ['## Details\n\n', readText('details')],
    ['## Test strategy\n\n', readText('testStrategy')],
  ] as const;
  const dependsOn = readDependencies();
  counts.addEdges('dependencies', dependsOn, known);
  if (parent !== null) counts.addEdges('subtask', [parent], known);
  return {
    sourceId: id,
    title,
    description: fit.description(
      sections
        .filter(([, text]) => text.trim() !== '')
        .map(([heading, text]) => `${heading}${text.trim()}`)
        .join('\n\n'),
    ),
    priority: readForeignPriority(task, counts, options),
    dueAt: null,
    tags: prefix === '' ? [] : fit.tags([tag]),
    resources: [],
    dependsOn,
    parentSourceId: parent,
    extraParentSourceIds: [],
    status: readForeignStatus(
      task,
      counts,
      (status) => status.trim().toLowerCase(),
      (word) => taskMasterStatuses.get(word),
    ),
    createdAt: null,
    updatedAt: null,
    metadata: makeForeignMetadata('taskMaster', { id, at }, kept, log),
    acceptanceCriteria: [],
    estimateMinutes: null,
    maxAttempts: null,
    backoff: null,
    timeoutSeconds: null,
    orchestrator: null,
    phase: null,
    afterPhases: [],
    at,
    locate,
  };

  function readText(field: string): string {
    const value = record[field];
    if (typeof value === 'string') return value;
    if (value !== undefined && value !== null) refuse(field, `is ${showValue(value)}, not a text`);
    return '';
  }

  function readDependencies(): string[] {
    const { dependencies } = record;
    if (dependencies === undefined || dependencies === null || dependencies === '') return [];
    const list: unknown[] = Array.isArray(dependencies)
      ? dependencies
      : typeof dependencies === 'string'
        ? dependencies.split(',')
        : [dependencies];
    return list.flatMap((entry, index) => {
      const text = typeof entry === 'number' ? String(entry) : typeof entry === 'string' ? entry.trim() : '';
      if (text !== '') {
        if (Array.isArray(dependencies)) positions.push(index);
        return [resolveDependency(text.replace(/^#/, ''))];
      }
      log.add(
        'DEPENDENCY_INVALID',
        locate(Array.isArray(dependencies) ? ['dependencies', index] : ['dependencies']),
        `A dependency of ${id} is ${showValue(entry)}, not the id of a task, and is left out.`,
      );
      return [];
    });
  }

  /** In a subtask `2` means its sibling of that number, or else the task; `1.2` is the same everywhere. */
  function resolveDependency(text: string): string {
    const sibling = `${parent}.${text}`;
    if (parent !== null && sibling !== id && known.has(sibling)) return sibling;
    return `${prefix}${text}`;
  }
}

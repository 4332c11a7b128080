import type { DraftTask, PlanReaderOptions } from '../../planReader.js';
import { showValue } from '../../showValue.js';
import { makeForeignMetadata } from '../makeForeignMetadata.js';
import { priorityWords } from '../priorityWords.js';
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
  const kept = new Map<string, unknown>(
    Object.entries(record).filter(([field]) => !taskMasterTaskFields.has(field)),
  );
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
    priority: readPriority(),
    dueAt: null,
    tags: prefix === '' ? [] : fit.tags([tag]),
    dependsOn,
    parentSourceId: parent,
    extraParentSourceIds: [],
    status: readStatus(),
    createdAt: null,
    updatedAt: null,
    metadata: makeForeignMetadata('taskMaster', { id, at }, kept, log),
    acceptanceCriteria: [],
    estimateMinutes: null,
    maxAttempts: null,
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
    if (value !== undefined && value !== null) {
      kept.set(field, value);
      log.add(
        'VALUE_INVALID',
        locate([field]),
        `"${field}" of ${id} is ${showValue(value)}, not a text; it is kept in the metadata only.`,
      );
    }
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

  function readPriority(): DraftTask['priority'] {
    const { priority } = record;
    const fallback = options.missingPriority ?? 'MEDIUM';
    if (priority === undefined || priority === null || priority === '') {
      counts.addMissingPriority();
      return fallback;
    }
    const known = typeof priority === 'string' ? priorityWords.get(priority.trim().toLowerCase()) : undefined;
    if (known !== undefined) return known;
    kept.set('priority', priority);
    log.add(
      'PRIORITY_INVALID',
      locate(['priority']),
      `${id} has the priority ${showValue(priority)}, which is not high, medium or low; ${fallback} is taken.`,
    );
    return fallback;
  }

  function readStatus(): DraftTask['status'] {
    const { status } = record;
    if (status === undefined || status === null || status === '') {
      counts.addStatus('');
      log.add('STATUS_MISSING', at, `${id} has no status; it counts as open.`);
      return 'open';
    }
    const word = typeof status === 'string' ? status.trim().toLowerCase() : showValue(status);
    counts.addStatus(word);
    const known = taskMasterStatuses.get(word);
    if (known === undefined) {
      kept.set('status', status);
      log.add(
        'STATUS_UNKNOWN',
        locate(['status']),
        `${id} has the unknown status ${showValue(status)}; it counts as open.`,
      );
      return 'open';
    }
    if (known.isNoted) {
      kept.set('status', status);
      log.add('STATUS_MAPPED', locate(['status']), `${id} is ${word}, which counts as ${known.status} here.`);
    }
    return known.status;
  }
}

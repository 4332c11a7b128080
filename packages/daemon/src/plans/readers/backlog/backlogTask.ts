import { parsePlanDue } from '@neolith/contracts';
import { parseInstant } from '../../parseInstant.js';
import type { DraftTask, PlanReaderOptions } from '../../planReader.js';
import type { ProblemLog } from '../../problemLog.js';
import { showValue } from '../../showValue.js';
import { readForeignPriority } from '../foreignPriority.js';
import { readForeignStatus } from '../foreignStatus.js';
import { openForeignTask } from '../foreignTask.js';
import { makeForeignMetadata } from '../makeForeignMetadata.js';
import type { SourceCounts } from '../sourceCounts.js';
import { createTaskFitter } from '../taskFitter.js';
import { readBacklogBody } from './backlogBody.js';
import type { BacklogFile } from './backlogFiles.js';
import { backlogStatuses, backlogTaskFields } from './backlogMapping.js';

export interface BacklogContext {
  readonly log: ProblemLog;
  readonly counts: SourceCounts;
  readonly options: PlanReaderOptions;
  /** The id of a task as its own file writes it, or null. */
  readonly findId: (written: string) => string | null;
  /** Due date of a milestone. */
  readonly dueOfMilestone: (milestone: string) => Date | null;
}

/** Turns one file into a task; whatever can't be taken over is reported and kept in the metadata. */
export function readBacklogTask(entry: BacklogFile, context: BacklogContext): DraftTask {
  const { id, record, markdown } = entry;
  const { log, counts, options, findId } = context;
  const fields: Readonly<Record<string, string>> = {
    dependsOn: 'dependencies',
    parent: 'parent_task_id',
    phase: 'milestone',
  };
  const positions: number[] = [];
  const locate: DraftTask['locate'] = ([field, ...rest]) => {
    const position = field === 'dependsOn' ? positions[Number(rest[0])] : undefined;
    const name = fields[String(field)] ?? field;
    return entry.locate([
      ...(name === undefined ? ['id'] : [name]),
      ...(position === undefined ? [] : [position]),
    ]);
  };
  const at = locate([]);
  const fit = createTaskFitter(id, at, log);
  const task = openForeignTask(
    { id, record, at, log, locateField: (field) => entry.locate([field]) },
    backlogTaskFields,
  );
  const { kept, refuse } = task;

  const body = readBacklogBody(markdown);
  const title = fit.title(typeof record.title === 'number' ? String(record.title) : readText('title'));
  if (title.endsWith('…') && title !== record.title) kept.set('title', record.title);
  const dependsOn = readDependencies();
  const parent = readParent();
  const milestone = readText('milestone').trim();
  counts.addRow();
  for (const other of dependsOn) counts.addEdge('dependencies', findId(other) === null);
  if (parent !== null) counts.addEdge('parent_task_id', findId(parent) === null);
  return {
    sourceId: id,
    title,
    description: fit.description(body.description),
    priority: readForeignPriority(task, counts, options),
    dueAt: readTime('due_date') ?? (milestone === '' ? null : context.dueOfMilestone(milestone)),
    tags: fit.tags(readList('labels')),
    resources: [],
    dependsOn,
    parentSourceId: parent,
    extraParentSourceIds: [],
    status: readForeignStatus(
      task,
      counts,
      (status) => status.trim(),
      (word) => backlogStatuses.get(word.toLowerCase().replace(/[\s_-]+/g, ' ')),
    ),
    createdAt: readTime('created_date'),
    updatedAt: typeof record.updated_date === 'string' ? parseTime(record.updated_date) : null,
    metadata: makeForeignMetadata('backlog', { id, at }, kept, log),
    acceptanceCriteria: fit.acceptanceCriteria(body.acceptanceCriteria),
    estimateMinutes: null,
    maxAttempts: null,
    backoff: null,
    timeoutSeconds: null,
    orchestrator: null,
    phase: milestone === '' ? null : milestone,
    afterPhases: [],
    at,
    locate,
  };

  function readText(field: string): string {
    const value = record[field];
    if (typeof value === 'string') return value;
    if (typeof value === 'number') return String(value);
    if (value !== undefined && value !== null) refuse(field, `is ${showValue(value)}, not a text`);
    return '';
  }

  function readList(field: string): string[] {
    const value = record[field];
    if (value === undefined || value === null) return [];
    if (typeof value === 'string') return value.split(',');
    const list: unknown[] = Array.isArray(value) ? value : [value];
    const texts = list.flatMap((item) =>
      typeof item === 'string' || typeof item === 'number' ? [String(item)] : [],
    );
    if (texts.length < list.length) refuse(field, 'is not a list of texts');
    return texts;
  }

  function readDependencies(): string[] {
    const { dependencies } = record;
    if (dependencies === undefined || dependencies === null) return [];
    const list: unknown[] = Array.isArray(dependencies)
      ? dependencies
      : typeof dependencies === 'string'
        ? dependencies.split(',')
        : [dependencies];
    return list.flatMap((value, index) => {
      const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : '';
      if (value === '') return [];
      if (text !== '') {
        if (Array.isArray(dependencies)) positions.push(index);
        return [findId(text) ?? text];
      }
      log.add(
        'DEPENDENCY_INVALID',
        entry.locate(Array.isArray(dependencies) ? ['dependencies', index] : ['dependencies']),
        `A dependency of ${id} is ${showValue(value)}, not the id of a task, and is left out.`,
      );
      return [];
    });
  }

  /** As the file names it, or by the id: `task-4.1` is part of `task-4`, if that is there. */
  function readParent(): string | null {
    const named = (readText('parent_task_id') || readText('parent')).trim();
    if (named !== '') return findId(named) ?? named;
    const byId = /^(.+)\.[^.]+$/.exec(id)?.[1];
    return byId === undefined ? null : findId(byId);
  }

  function readTime(field: string): Date | null {
    const value = record[field];
    if (value === undefined || value === null || value === '') return null;
    const instant = typeof value === 'string' ? parseTime(value, field === 'due_date') : null;
    if (instant !== null) return instant;
    kept.set(field, value);
    log.add(
      'TIME_INVALID',
      entry.locate([field]),
      `"${field}" of ${id} is not a time (2026-11-20 17:00, in UTC); it counts as not given.`,
    );
    return null;
  }
}

/** Times without an offset are in UTC; a due date means the end of its day, any other the start. */
export function parseTime(text: string, isDue = false): Date | null {
  const [, day, time = '00:00', seconds = '00'] =
    /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(?::(\d\d)(?:\.\d+)?)?)?$/.exec(text.trim()) ?? [];
  if (day === undefined) return parseInstant(text.trim())?.instant ?? null;
  return isDue && text.trim() === day ? parsePlanDue(day) : parsePlanDue(`${day}T${time}:${seconds}Z`);
}

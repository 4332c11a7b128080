import { type PlanPriority, planLimits } from '@neolith/contracts';
import { cutToBytes } from '../cutToBytes.js';
import { parseInstant } from '../parseInstant.js';
import type { DraftTask, PlanReaderOptions } from '../planReader.js';
import { showValue } from '../showValue.js';
import { type BeadsEdgeContext, readBeadsEdges } from './beadsEdges.js';
import { beadsPriorities, beadsStatuses, beadsTaskFields } from './beadsMapping.js';
import type { BeadsRow } from './beadsRows.js';
import { openForeignTask } from './foreignTask.js';
import { makeForeignMetadata } from './makeForeignMetadata.js';
import { cutTitle } from './taskFitter.js';

export interface BeadsTaskContext extends BeadsEdgeContext {
  readonly options: PlanReaderOptions;
}

/** Turns one row into a task; every value that is missing, unreadable or cut is reported. */
export function readBeadsTask(row: BeadsRow, context: BeadsTaskContext): DraftTask {
  const { id, record, at } = row;
  const { log } = context;
  const { kept, refuse } = openForeignTask({ id, record, at, log, locateField: () => at }, beadsTaskFields);

  const edges = readBeadsEdges(row, context);
  if (record.parent !== undefined && typeof record.parent !== 'string') kept.set('parent', record.parent);
  if (edges.links.length > 0) kept.set('links', edges.links);
  const [parentSourceId = null, ...extraParentSourceIds] = edges.parents;
  const task = {
    sourceId: id,
    title: readTitle(),
    description: readDescription(),
    priority: readPriority(row, context),
    dueAt: readTime('due_at'),
    tags: readTags(),
    resources: [],
    dependsOn: edges.blockedBy,
    parentSourceId,
    extraParentSourceIds,
    status: readStatus(row, context),
    createdAt: readTime('created_at'),
    updatedAt:
      typeof record.updated_at === 'string' ? (parseInstant(record.updated_at)?.instant ?? null) : null,
    acceptanceCriteria: readAcceptanceCriteria(),
    estimateMinutes: readEstimate(),
    maxAttempts: null,
    backoff: null,
    timeoutSeconds: null,
    orchestrator: null,
    phase: null,
    afterPhases: [],
    at,
    locate: () => at,
  } satisfies Omit<DraftTask, 'metadata'>;
  return { ...task, metadata: makeForeignMetadata('beads', row, kept, log) };

  function readTitle(): string {
    const { title } = record;
    if (typeof title !== 'string' || title.trim() === '') {
      if (title !== undefined && title !== '') kept.set('title', title);
      log.add('TITLE_MISSING', at, `${id} has no title; its id stands in for it. Give it one.`);
      return id;
    }
    if (title.length <= planLimits.titleCharsMax) return title;
    kept.set('title', title);
    log.add(
      'TITLE_SHORTENED',
      at,
      `The title of ${id} has ${title.length} characters; ${planLimits.titleCharsMax} were taken, the whole is in the metadata.`,
    );
    return cutTitle(title);
  }

  function readDescription(): string | null {
    const { description } = record;
    if (description === undefined || description === null || description === '') return null;
    if (typeof description !== 'string') {
      refuse('description', 'is not a text');
      return null;
    }
    const cut = cutToBytes(description, planLimits.descriptionBytesMax);
    if (cut.length < description.length) {
      log.add(
        'TEXT_TRUNCATED',
        at,
        `The description of ${id} is longer than ${planLimits.descriptionBytesMax / 1024} KB and was cut there.`,
      );
    }
    return cut;
  }

  function readTime(field: 'created_at' | 'due_at'): Date | null {
    const text = record[field];
    if (text === undefined || text === null || text === '') {
      if (field === 'created_at')
        log.add('CREATED_AT_MISSING', at, `${id} has no "created_at"; the time of import stands in for it.`);
      return null;
    }
    const parsed = typeof text === 'string' ? parseInstant(text) : null;
    if (parsed === null) {
      kept.set(field, text);
      log.add(
        'TIME_INVALID',
        at,
        `"${field}" of ${id} is not a time with an offset (2026-11-20T17:00:00Z); it counts as not given.`,
      );
      return null;
    }
    context.counts.addOffset(parsed.offset);
    return parsed.instant;
  }

  function readTags(): string[] {
    const { labels } = record;
    if (labels === undefined || labels === null) return [];
    if (!Array.isArray(labels)) {
      refuse('labels', 'is not a list');
      return [];
    }
    const texts: string[] = labels.filter(
      (label): label is string => typeof label === 'string' && label.trim() !== '',
    );
    const tags = [...new Set(texts)]
      .filter((label) => label.length <= planLimits.tagCharsMax)
      .slice(0, planLimits.tagsMax);
    if (tags.length < new Set(labels).size)
      refuse('labels', 'has entries that are not texts, too long or too many');
    return tags;
  }

  function readAcceptanceCriteria(): string[] {
    const { acceptance_criteria: text } = record;
    if (text === undefined || text === null || text === '') return [];
    if (typeof text === 'string' && text.length <= planLimits.acceptanceCriterionCharsMax) return [text];
    refuse(
      'acceptance_criteria',
      `is not a text of at most ${planLimits.acceptanceCriterionCharsMax} characters`,
    );
    return [];
  }

  function readEstimate(): number | null {
    const { estimated_minutes: minutes } = record;
    if (minutes === undefined || minutes === null || minutes === 0) return null;
    if (typeof minutes === 'number' && minutes > 0 && minutes <= planLimits.estimateMinutesMax)
      return minutes;
    refuse('estimated_minutes', 'is not a number of minutes up to a year');
    return null;
  }
}

function readPriority(
  { id, record, at }: BeadsRow,
  { log, counts, options }: BeadsTaskContext,
): PlanPriority {
  const { priority } = record;
  const fallback = options.missingPriority ?? 'MEDIUM';
  if (priority === undefined || priority === null) {
    counts.addMissingPriority();
    return fallback;
  }
  const mapped = typeof priority === 'number' ? beadsPriorities[priority] : undefined;
  if (mapped !== undefined) return mapped;
  log.add(
    'PRIORITY_INVALID',
    at,
    `${id} has the priority ${showValue(priority)}, which is not 0 to 4; ${fallback} is taken.`,
  );
  return fallback;
}

function readStatus({ id, record, at }: BeadsRow, { log, counts }: BeadsTaskContext): DraftTask['status'] {
  const { status } = record;
  if (status === undefined || status === null || status === '') {
    counts.addStatus('');
    log.add('STATUS_MISSING', at, `${id} has no status; it counts as open.`);
    return 'open';
  }
  const word = typeof status === 'string' ? status : showValue(status);
  counts.addStatus(word);
  const known = beadsStatuses.get(word);
  if (known === undefined || known.status === 'deleted') {
    log.add('STATUS_UNKNOWN', at, `${id} has the unknown status ${showValue(status)}; it counts as open.`);
    return 'open';
  }
  if (known.isNoted) log.add('STATUS_MAPPED', at, `${id} is ${word}, which counts as ${known.status} here.`);
  return known.status;
}

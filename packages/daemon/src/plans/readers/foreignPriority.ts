import type { PlanPriority } from '@neolith/contracts';
import type { PlanReaderOptions } from '../planReader.js';
import { showValue } from '../showValue.js';
import type { ForeignTask } from './foreignTask.js';
import { priorityWords } from './priorityWords.js';
import type { SourceCounts } from './sourceCounts.js';

/** The priority of a task that names it by a word. One that is unknown is reported and kept. */
export function readForeignPriority(
  { id, record, kept, log, locateField }: ForeignTask,
  counts: SourceCounts,
  options: PlanReaderOptions,
): PlanPriority {
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
    locateField('priority'),
    `${id} has the priority ${showValue(priority)}, which is not high, medium or low; ${fallback} is taken.`,
  );
  return fallback;
}

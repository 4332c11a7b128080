import type { PlanTaskStatus } from '@neolith/contracts';
import { showValue } from '../showValue.js';
import type { ForeignTask } from './foreignTask.js';
import type { SourceCounts } from './sourceCounts.js';

/** What a status of another system means here. */
export interface ForeignStatus {
  readonly status: PlanTaskStatus;
  /** True when we have no such status and the mapping is worth a notice. */
  readonly isNoted: boolean;
}

/**
 * The status of a task. What is missing, unknown or worth a notice is reported; the last two are kept.
 *
 * @param wordOf a status as it is counted and shown
 * @param find what such a word means
 */
export function readForeignStatus(
  { id, record, at, kept, log, locateField }: ForeignTask,
  counts: SourceCounts,
  wordOf: (status: string) => string,
  find: (word: string) => ForeignStatus | undefined,
): PlanTaskStatus {
  const { status } = record;
  if (status === undefined || status === null || status === '') {
    counts.addStatus('');
    log.add('STATUS_MISSING', at, `${id} has no status; it counts as open.`);
    return 'open';
  }
  const word = typeof status === 'string' ? wordOf(status) : showValue(status);
  counts.addStatus(word);
  const known = find(word);
  if (known === undefined) {
    kept.set('status', status);
    log.add(
      'STATUS_UNKNOWN',
      locateField('status'),
      `${id} has the unknown status ${showValue(status)}; it counts as open.`,
    );
    return 'open';
  }
  if (known.isNoted) {
    kept.set('status', status);
    log.add(
      'STATUS_MAPPED',
      locateField('status'),
      `${id} is ${word}, which counts as ${known.status} here.`,
    );
  }
  return known.status;
}

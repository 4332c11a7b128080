import type { PlanPosition } from '../planProblem.js';
import type { ProblemLog } from '../problemLog.js';

/** A task of another system while it is being read. */
export interface ForeignTask {
  readonly id: string;
  readonly record: Readonly<Record<string, unknown>>;
  readonly at: PlanPosition;
  readonly log: ProblemLog;
  /** Where one of its fields stands. */
  locateField(field: string): PlanPosition;
  /** What can't be taken over as a field of ours, by name: it becomes the metadata. */
  readonly kept: Map<string, unknown>;
  /** Keeps a field whose value is of no use here, and reports it; `what` follows the name: `is not a list`. */
  refuse(field: string, what: string): void;
}

/** @param taken names of the fields that become fields of ours; all others are kept */
export function openForeignTask(
  task: Pick<ForeignTask, 'id' | 'record' | 'at' | 'log' | 'locateField'>,
  taken: ReadonlySet<string>,
): ForeignTask {
  const { id, record, log, locateField } = task;
  const kept = new Map(Object.entries(record).filter(([field]) => !taken.has(field)));
  return {
    ...task,
    kept,
    refuse(field, what) {
      kept.set(field, record[field]);
      log.add(
        'VALUE_INVALID',
        locateField(field),
        `"${field}" of ${id} ${what}; it is kept in the metadata only.`,
      );
    },
  };
}

import { planLimits } from '@neolith/contracts';
import { isRecord } from '../../isRecord.js';
import type { PlanPath } from '../../planReader.js';
import type { ProblemLog } from '../../problemLog.js';
import { showValue } from '../../showValue.js';
import type { StructuredDocument } from '../../structuredDocument.js';
import type { SourceCounts } from '../sourceCounts.js';

/** A task or subtask of `tasks.json`, with the id it has here. */
export interface TaskMasterRow {
  readonly id: string;
  /** Id of the task it is a subtask of; null at the top. */
  readonly parent: string | null;
  readonly record: Readonly<Record<string, unknown>>;
  readonly path: PlanPath;
}

export interface TaskMasterRowContext {
  /** Before the ids of a list that is not the main one. */
  readonly prefix: string;
  readonly locate: StructuredDocument['locate'];
  readonly log: ProblemLog;
  readonly counts: SourceCounts;
}

/** All tasks of one list with their subtasks, each before its own; what is no task is reported. */
export function listTaskMasterRows(
  list: readonly unknown[],
  path: PlanPath,
  context: TaskMasterRowContext,
  parent: string | null = null,
): TaskMasterRow[] {
  const { locate, log, counts } = context;
  return list.flatMap((record, index): TaskMasterRow[] => {
    const at = [...path, index];
    counts.addRow();
    if (!isRecord(record)) {
      log.add(
        'ROW_UNREADABLE',
        locate(at),
        `Here stands ${showValue(record)} instead of a task; it is left out.`,
      );
      return [];
    }
    const id = makeId(record.id, parent, context.prefix);
    if (id === null) {
      const found = record.id === undefined ? 'has no "id"' : `has the "id" ${showValue(record.id)}`;
      log.add(
        'ROW_WITHOUT_ID',
        locate([...at, 'id']),
        `A task ${found} and is left out; give it a number or a text of at most ${planLimits.idCharsMax} characters.`,
      );
      return [];
    }
    const row = { id, parent, record, path: at };
    const { subtasks } = record;
    if (subtasks === undefined || subtasks === null) return [row];
    if (!Array.isArray(subtasks)) {
      log.add(
        'ROW_UNREADABLE',
        locate([...at, 'subtasks']),
        `"subtasks" of ${id} is no list and is left out.`,
      );
      return [row];
    }
    return [row, ...listTaskMasterRows(subtasks, [...at, 'subtasks'], context, id)];
  });
}

/** A subtask counts within its task (`2`), or has the whole dotted id (`1.2`). */
function makeId(value: unknown, parent: string | null, prefix: string): string | null {
  const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : '';
  if (text === '' || /\p{Cc}/u.test(text)) return null;
  const own = `${prefix}${text}`;
  const id = parent === null || own.startsWith(`${parent}.`) ? own : `${parent}.${text}`;
  return id.length <= planLimits.idCharsMax ? id : null;
}

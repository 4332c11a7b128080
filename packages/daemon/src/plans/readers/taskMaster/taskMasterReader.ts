import { isRecord } from '../../isRecord.js';
import { parseJsonDocument } from '../../parseJsonDocument.js';
import type {
  DraftPlan,
  DraftTask,
  PlanPath,
  PlanReader,
  PlanReaderOptions,
  PlanText,
} from '../../planReader.js';
import type { ProblemLog } from '../../problemLog.js';
import { showValue } from '../../showValue.js';
import { cleanForeignValue } from '../cleanForeignValue.js';
import { createSourceCounts } from '../sourceCounts.js';
import { listTaskMasterRows } from './taskMasterRows.js';
import { readTaskMasterTask } from './taskMasterTask.js';

/** The list that exists always, and whose tasks have no prefix. */
const mainTag = 'master';

/** `tasks.json` of task-master: one list of tasks, or several under names ("tags"). */
export const taskMasterReader: PlanReader = {
  format: 'task-master',
  title: 'tasks.json of task-master',
  alwaysStrict: false,
  recognise: ({ file, text }) => (looksLikeTaskMaster(file, text) ? 'certain' : 'no'),
  read: readTaskMasterPlan,
};

/** Words of our own format, which task-master does not have, decide against it. */
function looksLikeTaskMaster(file: string, text: string): boolean {
  if (!/^\s*\{/.test(text) || /\.(?:ya?ml|md|jsonl|ndjson)$/i.test(file)) return false;
  const value = parseOrNull(text);
  if (!isRecord(value) || Object.hasOwn(value, 'version')) return false;
  const { tasks } = value;
  if (Array.isArray(tasks)) {
    return (
      !Object.hasOwn(value, 'name') &&
      tasks.some(
        (task) =>
          isRecord(task) &&
          !Object.hasOwn(task, 'dependsOn') &&
          ['subtasks', 'testStrategy', 'details', 'dependencies'].some((field) => Object.hasOwn(task, field)),
      )
    );
  }
  return Object.values(value).some((list) => isRecord(list) && Array.isArray(list.tasks));
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Some other format, or broken JSON: whoever reads it reports what is wrong with it.
    return null;
  }
}

function readTaskMasterPlan(source: PlanText, log: ProblemLog, options: PlanReaderOptions): DraftPlan | null {
  const document = parseJsonDocument(source, log);
  if (document === null) return null;
  const { value, locate } = document;
  if (!isRecord(value)) {
    log.add(
      'TOP_LEVEL_INVALID',
      locate([]),
      `${source.file} holds ${showValue(value)}; tasks.json of task-master is one object with "tasks", or with such an object for each tag.`,
    );
    return null;
  }
  if (!cleanForeignValue(value, locate, log)) return null;

  const lists = listTags(value);
  const chosen = options.tag === null ? lists : lists.filter(({ tag }) => tag === options.tag);
  if (chosen.length === 0) {
    const there = lists.map(({ tag }) => JSON.stringify(tag)).join(', ');
    log.add(
      lists.length === 0 ? 'TOP_LEVEL_INVALID' : 'LIST_UNKNOWN',
      locate([]),
      lists.length === 0
        ? `${source.file} has no list of tasks; tasks.json of task-master has "tasks", or an object with "tasks" for each tag.`
        : `${source.file} has no tag ${JSON.stringify(options.tag)}; there are ${there}.`,
    );
    return null;
  }

  const counts = createSourceCounts();
  const tasks: DraftTask[] = [];
  for (const { tag, path, list } of chosen) {
    const prefix = tag === mainTag ? '' : `${tag}/`;
    const rows = listTaskMasterRows(list, path, { prefix, locate, log, counts });
    const known = new Set(rows.map(({ id }) => id));
    for (const row of rows)
      tasks.push(readTaskMasterTask(row, { tag, prefix, known, locate, log, counts, options }));
  }
  return {
    name: readName(value) ?? (source.file.replace(/^.*[\\/]/, '').replace(/\.[^.]*$/, '') || 'task-master'),
    description: null,
    run: null,
    phases: [],
    dependenciesComplete: false,
    dueAt: null,
    tasks,
    deletedSourceIds: new Set(),
    source: counts,
  };

  function readName(root: Record<string, unknown>): string | null {
    for (const field of ['meta', 'metadata']) {
      const about = root[field];
      if (isRecord(about) && typeof about.projectName === 'string' && about.projectName.trim() !== '') {
        return about.projectName.trim().slice(0, 300).toWellFormed();
      }
    }
    return null;
  }
}

interface TagList {
  readonly tag: string;
  readonly path: PlanPath;
  readonly list: readonly unknown[];
}

function listTags(root: Record<string, unknown>): TagList[] {
  const lists: TagList[] = [];
  for (const [key, value] of Object.entries(root)) {
    if (key === 'tasks' && Array.isArray(value)) lists.push({ tag: mainTag, path: ['tasks'], list: value });
    else if (isRecord(value) && Array.isArray(value.tasks)) {
      lists.push({ tag: key, path: [key, 'tasks'], list: value.tasks });
    }
  }
  return lists;
}

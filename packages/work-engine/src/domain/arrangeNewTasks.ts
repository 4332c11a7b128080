import { NeolithError, parseId } from '@neolith/contracts';
import { buildGraph } from './graph/buildGraph.js';
import { findCycle } from './graph/findCycle.js';
import type { TaskGraph } from './graph/taskGraph.js';

/** A task about to be created: its id is known, its references are as the caller wrote them. */
export interface NewTaskReferences {
  uuid: string;
  key?: string | undefined;
  title: string;
  parentId: string | null;
  dependsOn: readonly string[];
}

export interface ArrangedTask {
  uuid: string;
  parent: string | null;
  /** UUIDs, each once: of tasks of the same call, and of tasks that exist already. */
  prerequisites: string[];
}

export interface Arrangement {
  /** In the order given. */
  tasks: ArrangedTask[];
  /** Of the new tasks alone; acyclic. A node is a task's place in the order given. */
  graph: TaskGraph;
}

/**
 * Resolves the references among new tasks (by `key`) and to existing ones (by id), and refuses what can't be:
 * two tasks with one key, a dependency given twice or on itself, a cycle. Pure.
 *
 * `known` are the tasks that are stored already and may be named by a key, too; a new task's key goes before.
 */
export function arrangeNewTasks(
  tasks: readonly NewTaskReferences[],
  known: ReadonlyMap<string, string> = new Map(),
): Arrangement {
  const byKey = new Map<string, string>();
  for (const task of tasks) {
    if (task.key === undefined) continue;
    if (byKey.has(task.key)) {
      throw new NeolithError(
        'INVALID_INPUT',
        `Two tasks of this call have the key "${task.key}"; give each its own`,
        { details: { key: task.key } },
      );
    }
    byKey.set(task.key, task.uuid);
  }
  const resolve = (reference: string): string => {
    const uuid = byKey.get(reference) ?? known.get(reference) ?? parseId('task', reference);
    if (uuid === null) {
      throw new NeolithError(
        'TASK_NOT_FOUND',
        `Task not found: ${reference} (neither an id nor the key of a task of this call)`,
        { details: { id: reference } },
      );
    }
    return uuid;
  };
  const arranged = tasks.map((task): ArrangedTask => {
    const prerequisites = task.dependsOn.map(resolve);
    if (prerequisites.includes(task.uuid)) {
      throw new NeolithError(
        'DEPENDENCY_ON_ITSELF',
        `Task "${task.key ?? task.title}" can't depend on itself`,
        { details: { key: task.key ?? null } },
      );
    }
    if (new Set(prerequisites).size !== prerequisites.length) {
      const twice = task.dependsOn.find(
        (reference, index) => prerequisites.indexOf(resolve(reference)) !== index,
      );
      throw new NeolithError(
        'DUPLICATE_DEPENDENCY',
        `Task "${task.key ?? task.title}" names its dependency ${twice} twice`,
        { details: { key: task.key ?? null, dependsOn: twice } },
      );
    }
    const parent = task.parentId === null ? null : resolve(task.parentId);
    if (parent === task.uuid)
      throw new NeolithError('INVALID_INPUT', `Task "${task.key ?? task.title}" can't be its own parent`);
    return { uuid: task.uuid, parent, prerequisites };
  });
  const graph = graphOf(arranged, (task) => task.prerequisites);
  const cycle = findCycle(graph);
  const round = findCycle(graphOf(arranged, (task) => (task.parent === null ? [] : [task.parent])));
  if (round !== null) {
    const path = namesOf(tasks, round);
    throw new NeolithError('INVALID_INPUT', `These tasks are one another's parents: ${path.join(' → ')}`, {
      details: { path },
    });
  }
  if (cycle !== null) {
    const path = namesOf(tasks, cycle);
    throw new NeolithError(
      'DEPENDENCY_CYCLE',
      `These tasks depend on one another in a cycle: ${path.join(' → ')}`,
      { details: { path } },
    );
  }
  return { tasks: arranged, graph };
}

function namesOf(tasks: readonly NewTaskReferences[], uuids: readonly string[]): string[] {
  const nameOf = new Map(tasks.map((task) => [task.uuid, task.key ?? task.title]));
  return uuids.map((uuid) => nameOf.get(uuid) ?? uuid);
}

/** References to existing tasks can't be part of a cycle: nothing that exists knows of the new ones. */
function graphOf(
  tasks: readonly ArrangedTask[],
  referencesOf: (task: ArrangedTask) => readonly string[],
): TaskGraph {
  return buildGraph(tasks.map((task) => ({ id: task.uuid, dependsOn: referencesOf(task) }))).graph;
}

import type { Json } from '@neolith/contracts';
import type { TaskReferenceRow } from './rows.js';
import { type Connection, run } from './sql.js';

const PREREQUISITES = {
  name: 'task_prerequisites',
  text: `SELECT p.id, p.title, p.status, p.priority FROM task_dependencies d JOIN tasks p ON p.id = d.prerequisite_id
         WHERE d.dependent_id = $1 ORDER BY p.id LIMIT 10000`,
};
const DEPENDENTS = {
  name: 'task_dependents',
  text: `SELECT p.id, p.title, p.status, p.priority FROM task_dependencies d JOIN tasks p ON p.id = d.dependent_id
         WHERE d.prerequisite_id = $1 ORDER BY p.id LIMIT 10000`,
};

/** What a task depends on, or what depends on it. */
export async function findNeighbours(
  connection: Connection,
  taskId: string,
  which: 'prerequisites' | 'dependents',
): Promise<TaskReferenceRow[]> {
  return run<TaskReferenceRow>(connection, which === 'prerequisites' ? PREREQUISITES : DEPENDENTS, [taskId]);
}

const RESULT = {
  name: 'task_result',
  text: `SELECT a.output, a.artifacts, a.error FROM task_outcomes o JOIN attempts a ON a.id = o.attempt_id WHERE o.task_id = $1`,
};

export interface ResultRow {
  output: Json | null;
  artifacts: { type: string; content: string }[] | null;
  error: string | null;
}

/** What the attempt brought whose outcome was accepted; null while the task is open. */
export async function findResult(connection: Connection, taskId: string): Promise<ResultRow | null> {
  return (await run<ResultRow>(connection, RESULT, [taskId]))[0] ?? null;
}

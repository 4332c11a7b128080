import type { TaskReferenceRow } from './rows.js';
import { type Connection, run } from './sql.js';

const STATEMENT = {
  name: 'waits_for',
  text: `
    SELECT p.id, p.title, p.status, p.priority
    FROM task_dependencies d JOIN tasks p ON p.id = d.prerequisite_id
    WHERE d.dependent_id = $1 AND p.status <> 'DONE' AND NOT d.released
    ORDER BY p.id LIMIT 1000`,
};

/** The prerequisites of a task that are not DONE. */
export async function waitsFor(connection: Connection, taskId: string): Promise<TaskReferenceRow[]> {
  return run<TaskReferenceRow>(connection, STATEMENT, [taskId]);
}

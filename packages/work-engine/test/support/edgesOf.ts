import type { EngineFixture } from './engineFixture.js';

/** The dependencies of the tasks of a source, by their source ids: `b after a`, sorted. */
export async function edgesOf({ test: { database } }: EngineFixture, source: string): Promise<string[]> {
  const { rows } = await database.pool.query<{ edge: string }>(
    `SELECT t.source_id || ' after ' || p.source_id AS edge FROM tasks t JOIN task_dependencies d ON d.dependent_id = t.id
     JOIN tasks p ON p.id = d.prerequisite_id WHERE t.source = $1`,
    [source],
  );
  return rows.map(({ edge }) => edge).sort();
}

import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from, to } from 'pg-copy-streams';

/** Every table that an import fills, those first that others refer to. Counts of runs are made by the trigger on tasks. */
const TABLES = [
  'runs',
  'tasks',
  'task_dependencies',
  'blocked_tasks',
  'ready_tasks',
  'ready_task_tags',
  'delayed_tasks',
  'task_outcomes',
  'events',
];
const EMPTY = `${TABLES.join(', ')}, run_waves, merges`;
const RUN_COUNTS = 'blocked = 0, todo = 0, in_progress = 0, merging = 0, done = 0, failed = 0, cancelled = 0';

export async function emptyTables(client: pg.Client): Promise<void> {
  await client.query(`TRUNCATE ${EMPTY}`);
}

/** What was imported, as files that COPY reads. */
export async function saveTables(client: pg.Client, directory: string): Promise<void> {
  for (const table of TABLES)
    await pipeline(client.query(to(`COPY ${table} TO STDOUT`)), createWriteStream(join(directory, table)));
}

/** The same rows into the same tables, with their indexes, constraints and triggers, in one transaction: nothing else. */
export async function loadTables(client: pg.Client, directory: string): Promise<void> {
  await client.query('BEGIN');
  for (const table of TABLES) {
    await pipeline(createReadStream(join(directory, table)), client.query(from(`COPY ${table} FROM STDIN`)));
    if (table === 'runs') await client.query(`UPDATE runs SET ${RUN_COUNTS}`);
  }
  await client.query('COMMIT');
}

/** Throws unless so many tasks and edges are stored, each task where it stands and told of once. */
export async function proveStored(
  client: pg.Client,
  wanted: { tasks: number; edges: number },
): Promise<void> {
  const { rows } = await client.query<Record<string, number>>(`
    SELECT (SELECT count(*)::int FROM tasks) AS tasks, (SELECT count(*)::int FROM task_dependencies) AS edges,
           (SELECT count(*)::int FROM blocked_tasks) + (SELECT count(*)::int FROM ready_tasks) AS standing,
           (SELECT count(*)::int FROM events WHERE type = 'task.created') AS told`);
  const found = rows[0];
  const right =
    found?.tasks === wanted.tasks &&
    found.edges === wanted.edges &&
    found.standing === wanted.tasks &&
    found.told === wanted.tasks;
  if (!right) throw new Error(`Wanted ${JSON.stringify(wanted)}, stored is ${JSON.stringify(found)}`);
}

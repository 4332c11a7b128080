import type { PoolClient } from 'pg';
import { assignWaves, buildGraph } from '../domain/graph/index.js';
import { readRunEdges } from './readRun.js';
import { run } from './sql.js';
import { requeueRun } from './writeRun.js';

const TASKS = { name: 'run_wave_numbers', text: 'SELECT id, wave FROM tasks WHERE run_id = $1 ORDER BY id' };
const WRITE = {
  name: 'write_wave_numbers',
  text: `
    WITH w AS (SELECT * FROM unnest($1::uuid[], $2::int[]) AS w(id, wave)),
    locked AS (SELECT t.id FROM tasks t JOIN w ON w.id = t.id ORDER BY t.id FOR NO KEY UPDATE)
    UPDATE tasks t SET wave = w.wave FROM w JOIN locked l ON l.id = w.id WHERE t.id = w.id`,
};

/** Gives the tasks of a locked run their waves anew, after its edges or tasks changed. */
export async function renumberWaves(client: PoolClient, runId: string, now: Date): Promise<void> {
  const tasks = await run<{ id: string; wave: number }>(client, TASKS, [runId]);
  const inside = new Map<string, string[]>(tasks.map((task) => [task.id, []]));
  for (const edge of await readRunEdges(client, runId)) {
    if (edge.outside === null) inside.get(edge.dependent_id)?.push(edge.prerequisite_id);
  }
  const { graph } = buildGraph(Array.from(inside, ([id, dependsOn]) => ({ id, dependsOn })));
  const { waveOf } = assignWaves(graph);
  const moved = tasks.filter((task, index) => task.wave !== waveOf[index]);
  if (moved.length > 0) {
    await run(client, WRITE, [
      moved.map((task) => task.id),
      moved.map((task) => waveOf[graph.indexOf(task.id)]),
    ]);
  }
  await requeueRun(client, runId, now);
}

import { assignWaves, neighboursOf, type TaskGraph } from './graph/index.js';

/** A task of a run that is stored, and the wave it is in. */
export interface StoredWave {
  runId: string;
  wave: number;
}

/**
 * The waves of new tasks: one after the latest of what each depends on in its own run, 0 where that is nothing; null for
 * tasks of no run. Stored tasks depend on no new one, so theirs stay. Pure; O(tasks + dependencies).
 */
export function waveNewTasks(
  graph: TaskGraph,
  tasks: readonly { runId: string | null; prerequisites: readonly string[] }[],
  stored: ReadonlyMap<string, StoredWave>,
): (number | null)[] {
  const waves: (number | null)[] = tasks.map((task) => (task.runId === null ? null : 0));
  if (waves.every((wave) => wave === null)) return waves;
  // Wave by wave of the graph of all: each node after what it depends on.
  for (const node of assignWaves(graph).nodesByWave.targets) {
    const task = tasks[node] as (typeof tasks)[number];
    if (task.runId === null) continue;
    let wave = 0;
    for (const other of neighboursOf(graph.prerequisites, node)) {
      if (tasks[other]?.runId === task.runId) wave = Math.max(wave, (waves[other] ?? 0) + 1);
    }
    for (const id of task.prerequisites) {
      const known = stored.get(id);
      if (known?.runId === task.runId) wave = Math.max(wave, known.wave + 1);
    }
    waves[node] = wave;
  }
  return waves;
}

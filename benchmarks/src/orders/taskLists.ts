import { drawer } from '../graphs/graphShape.js';

export interface ListedTask {
  id: string;
  dependsOn: string[];
}

/**
 * Tasks as they come out of a file or an API: ids of 40 letters, prerequisites named by id. Each task depends on tasks made before it,
 * anywhere among them, `edges / tasks` of them on average; they are listed in another order than they were made. The same list every time.
 */
export function listTasks(amount: number, edges: number): ListedTask[] {
  const next = drawer(7);
  const below = (bound: number): number => Math.floor(next() * bound);
  const ids = Array.from({ length: amount }, (_, task) => idOf(task));
  const tasks: ListedTask[] = ids.map((id) => ({ id, dependsOn: [] }));
  const named = new Set<number>();
  let left = edges;
  for (let task = 1; task < amount; task += 1) {
    const wanted = Math.min(task, Math.round(left / (amount - task)));
    named.clear();
    while (named.size < wanted) named.add(below(task));
    // As strings of their own, like those of a parsed file: not the very objects that the tasks are known by.
    for (const prerequisite of named) tasks[task]?.dependsOn.push(idOf(prerequisite));
    left -= wanted;
  }
  for (let task = amount - 1; task > 0; task -= 1) {
    const other = below(task + 1);
    const moved = tasks[task] as ListedTask;
    tasks[task] = tasks[other] as ListedTask;
    tasks[other] = moved;
  }
  return tasks;
}

/** Flat and whole, as a parser makes them; a string that is still a concatenation would be flattened inside of the clock. */
function idOf(task: number): string {
  return Buffer.from(`task_019a3f5c-7d21-7000-8000-${String(task).padStart(12, '0')}`, 'latin1').toString(
    'latin1',
  );
}

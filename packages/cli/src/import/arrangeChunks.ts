export interface Arrangeable {
  readonly sourceId: string;
  readonly dependsOn: readonly string[];
  readonly parentSourceId: string | null;
}

export interface ChunkLimits {
  readonly tasks: number;
  /** Of the tasks as JSON. */
  readonly bytes: number;
}

/** What a task takes in a call beside its own fields: names of fields, ids. */
const OVERHEAD_BYTES = 1_000;

/**
 * Splits tasks into calls, prerequisites never after their dependents. A parent and its parts are kept together where
 * they fit, since a parent can only be named by a task of the same call or of a later one. Prerequisites that are
 * not among `tasks` don't matter; there must be no cycle.
 */
export function arrangeChunks<T extends Arrangeable>(tasks: readonly T[], limits: ChunkLimits): T[][] {
  const byId = new Map(tasks.map((task) => [task.sourceId, task]));
  const done = new Set<string>();
  const chunks: T[][] = [];
  let chunk: T[] = [];
  let bytes = 0;
  const fits = (count: number, size: number): boolean =>
    chunk.length === 0 || (chunk.length + count <= limits.tasks && bytes + size <= limits.bytes);
  const close = (): void => {
    if (chunk.length > 0) chunks.push(chunk);
    chunk = [];
    bytes = 0;
  };
  for (const task of tasks) {
    // A parent need not wait for each of its parts: the task itself may be left.
    const members = [...collect(topmostParent(task, byId), byId, done), ...collect(task, byId, done)];
    const family = members.map((member) => ({ member, size: sizeOf(member) }));
    if (
      !fits(
        family.length,
        family.reduce((sum, { size }) => sum + size, 0),
      )
    )
      close();
    for (const { member, size } of family) {
      if (!fits(1, size)) close();
      chunk.push(member);
      bytes += size;
    }
  }
  close();
  return chunks;
}

function sizeOf(task: Arrangeable): number {
  return Buffer.byteLength(JSON.stringify(task)) + OVERHEAD_BYTES;
}

function topmostParent<T extends Arrangeable>(task: T, byId: ReadonlyMap<string, T>): T {
  const seen = new Set<string>();
  let top = task;
  for (;;) {
    seen.add(top.sourceId);
    const parent = top.parentSourceId === null ? undefined : byId.get(top.parentSourceId);
    if (parent === undefined || seen.has(parent.sourceId)) return top;
    top = parent;
  }
}

/** The task after all it depends on, without those that are placed; no recursion, since chains are long. */
function collect<T extends Arrangeable>(top: T, byId: ReadonlyMap<string, T>, done: Set<string>): T[] {
  const placed: T[] = [];
  const path: { readonly task: T; next: number }[] = [];
  const enter = (task: T): void => {
    if (done.has(task.sourceId)) return;
    done.add(task.sourceId);
    path.push({ task, next: 0 });
  };
  enter(top);
  for (let step = path.at(-1); step !== undefined; step = path.at(-1)) {
    const id = step.task.dependsOn[step.next];
    step.next += 1;
    if (id === undefined) {
      placed.push(step.task);
      path.pop();
      continue;
    }
    const prerequisite = byId.get(id);
    if (prerequisite !== undefined) enter(prerequisite);
  }
  return placed;
}

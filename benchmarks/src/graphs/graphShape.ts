/** Tasks that depend on one another, in an order in which they are possible: `prerequisites[task]` are all smaller. */
export interface GraphShape {
  readonly name: string;
  readonly prerequisites: readonly (readonly number[])[];
  /** A tree whose root is the last task: what can be said as a parent that waits for its children. */
  readonly isTree: boolean;
}

/** All but one at once, then the one that waits for all of them. */
export function fanIn(tasks: number): GraphShape {
  const all = Array.from({ length: tasks - 1 }, (_, task) => task);
  return {
    name: `fan of ${tasks.toLocaleString('en-US')}`,
    prerequisites: [...all.map(() => []), all],
    isTree: true,
  };
}

/** One after the other. */
export function chain(tasks: number): GraphShape {
  return {
    name: `chain of ${tasks.toLocaleString('en-US')}`,
    prerequisites: Array.from({ length: tasks }, (_, task) => (task === 0 ? [] : [task - 1])),
    isTree: true,
  };
}

/** Each task depends on up to three of the thousand before it; the same graph every time. */
export function randomDag(tasks: number): GraphShape {
  const next = drawer(20_260_101);
  return {
    name: `random graph of ${tasks.toLocaleString('en-US')}`,
    prerequisites: Array.from({ length: tasks }, (_, task) => {
      const chosen = new Set<number>();
      const amount = task === 0 ? 0 : Math.floor(next() * 4);
      for (let edge = 0; edge < amount; edge += 1) {
        chosen.add(task - 1 - Math.floor(next() * Math.min(task, 1_000)));
      }
      return [...chosen];
    }),
    isTree: false,
  };
}

/** The tasks level by level, each level possible once the ones before it are done. */
export function levelsOf({ prerequisites }: GraphShape): number[][] {
  const levels: number[][] = [];
  const levelOf: number[] = [];
  for (const [task, needs] of prerequisites.entries()) {
    const level = needs.reduce((deepest, need) => Math.max(deepest, (levelOf[need] ?? 0) + 1), 0);
    levelOf.push(level);
    levels[level] ??= [];
    levels[level].push(task);
  }
  return levels;
}

/** Numbers from 0 to 1 that are the same every time (a linear congruential generator). */
export function drawer(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

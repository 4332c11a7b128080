/** Steps in all: finding every redundant edge of a dense graph takes its nodes times its edges. */
const STEPS_MAX = 2_000_000;

/**
 * Dependencies that say nothing new, because the prerequisite is one also by way of another: `[dependent, prerequisite]`
 * by place, the first `max`
 * found of those that count. In a graph so dense that the search would take long, not all of them. Pure.
 */
export function findRedundant(
  graph: {
    readonly prerequisites: readonly (readonly number[])[];
    /** A prerequisite always has a smaller one. */
    readonly wave: readonly number[];
  },
  max: number,
  counts: (dependent: number, prerequisite: number) => boolean = () => true,
): [number, number][] {
  const { prerequisites, wave } = graph;
  const found: [number, number][] = [];
  let steps = 0;
  for (const [dependent, direct] of prerequisites.entries()) {
    if (direct.length < 2) continue;
    const wanted = new Set(direct);
    const lowest = direct.reduce(
      (least, place) => Math.min(least, wave[place] ?? 0),
      Number.POSITIVE_INFINITY,
    );
    const seen = new Set<number>();
    const waiting = [...direct];
    for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
      for (const next of prerequisites[place] ?? []) {
        steps += 1;
        if (seen.has(next) || (wave[next] ?? 0) < lowest) continue;
        seen.add(next);
        waiting.push(next);
        if (!wanted.has(next) || !counts(dependent, next)) continue;
        found.push([dependent, next]);
        if (found.length >= max) return found;
      }
      if (steps > STEPS_MAX) return found;
    }
  }
  return found;
}

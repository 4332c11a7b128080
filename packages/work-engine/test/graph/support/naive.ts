import type { RawTask } from './arbitraries.js';

/** The same graph said plainly: for each task that counts, the set of nodes it depends on. Slow, short, recursive. */
export type Plain = readonly ReadonlySet<number>[];

export function makePlain(tasks: readonly RawTask[]): Plain {
  const seen = new Set<string>();
  const first = tasks.filter(({ id }) => !seen.has(id) && seen.add(id));
  const nodeOf = new Map(first.map(({ id }, node) => [id, node]));
  return first.map(
    ({ dependsOn }, node) =>
      new Set(dependsOn.flatMap((id) => nodeOf.get(id) ?? []).filter((other) => other !== node)),
  );
}

export function dependentsOf(plain: Plain, node: number): number[] {
  return plain.flatMap((prerequisites, other) => (prerequisites.has(node) ? [other] : []));
}

/** Edges on the shortest way along prerequisites, 1 or more; Infinity when there is none (Floyd and Warshall). */
export function measureDistances(plain: Plain, isPart: (node: number) => boolean = () => true): number[][] {
  const nodes = [...plain.keys()];
  const distances = nodes.map((from) =>
    nodes.map((to) => (isPart(from) && isPart(to) && plain[from]?.has(to) ? 1 : Number.POSITIVE_INFINITY)),
  );
  for (const middle of nodes) {
    for (const from of nodes) {
      for (const to of nodes) {
        const row = distances[from] as number[];
        const way = (row[middle] as number) + (distances[middle]?.[to] as number);
        row[to] = Math.min(row[to] as number, way);
      }
    }
  }
  return distances;
}

/** The weight of the heaviest chain that ends with each node, for a graph without cycles. */
export function weighChains(plain: Plain, weightOf: (node: number) => number): number[] {
  const known = new Map<number, number>();
  const weigh = (node: number): number => {
    const before = known.get(node);
    if (before !== undefined) return before;
    const weight = weightOf(node) + Math.max(0, ...[...(plain[node] ?? [])].map(weigh));
    known.set(node, weight);
    return weight;
  };
  return plain.map((_, node) => weigh(node));
}

/** Whether `to` can be reached along prerequisites without the direct edge. */
export function hasOtherWay(plain: Plain, from: number, to: number): boolean {
  const reached = new Set([...(plain[from] ?? [])].filter((node) => node !== to));
  for (const node of reached) for (const next of plain[node] ?? []) reached.add(next);
  return reached.has(to);
}

/** The nodes that are in a cycle or behind one: what is left when nothing without prerequisites can be taken. */
export function findUnsortable(plain: Plain): Set<number> {
  const left = new Set(plain.keys());
  for (;;) {
    const free = [...left].filter((node) => [...(plain[node] ?? [])].every((before) => !left.has(before)));
    if (free.length === 0) return left;
    for (const node of free) left.delete(node);
  }
}

/** The way from one node along what it depends on to another, both included, or null. Shortest first. */
export function findPath(
  prerequisitesOf: ReadonlyMap<string, readonly string[]>,
  from: string,
  to: string,
): string[] | null {
  const cameFrom = new Map<string, string | null>([[from, null]]);
  const queue = [from];
  for (const node of queue) {
    if (node === to) {
      const path: string[] = [];
      for (let step: string | null | undefined = to; step != null; step = cameFrom.get(step)) path.push(step);
      return path.reverse();
    }
    for (const next of prerequisitesOf.get(node) ?? []) {
      if (!cameFrom.has(next)) {
        cameFrom.set(next, node);
        queue.push(next);
      }
    }
  }
  return null;
}

/**
 * A cycle among the given edges as the path that runs through it, first node repeated at the end, or null.
 * `prerequisitesOf` maps a node to what it depends on; the path reads "a depends on b depends on … a".
 * Depth-first with an explicit stack: chains may be longer than the call stack.
 */
export function findCycle(prerequisitesOf: ReadonlyMap<string, readonly string[]>): string[] | null {
  const finished = new Set<string>();
  for (const root of prerequisitesOf.keys()) {
    if (finished.has(root)) continue;
    const path: { node: string; next: number }[] = [{ node: root, next: 0 }];
    const onPath = new Set([root]);
    while (path.length > 0) {
      const top = path[path.length - 1] as { node: string; next: number };
      const next = prerequisitesOf.get(top.node)?.[top.next];
      top.next += 1;
      if (next === undefined) {
        finished.add(top.node);
        onPath.delete(top.node);
        path.pop();
      } else if (onPath.has(next)) {
        const nodes = path.map((step) => step.node);
        return [...nodes.slice(nodes.indexOf(next)), next];
      } else if (!finished.has(next)) {
        path.push({ node: next, next: 0 });
        onPath.add(next);
      }
    }
  }
  return null;
}

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
      for (let step: string | null | undefined = to; step != null; step = cameFrom.get(step))
        path.unshift(step);
      return path;
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

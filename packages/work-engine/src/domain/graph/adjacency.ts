/**
 * The neighbours of every node in two flat arrays (compressed sparse rows): those of `node` are
 * `targets[offsets[node]] … targets[offsets[node + 1] - 1]`. 4 bytes an edge and 4 a node, and no object for either.
 */
export interface Adjacency {
  /** One more than there are nodes. */
  readonly offsets: Int32Array;
  readonly targets: Int32Array;
}

/** An element that is known to be there: a wrong index stops here and not as a NaN somewhere else. */
export function at(numbers: Int32Array, index: number): number {
  const value = numbers[index];
  if (value === undefined) throw new RangeError(`Index ${index} is outside of ${numbers.length} elements`);
  return value;
}

/** The neighbours of one node: a view, not a copy. */
export function neighboursOf(adjacency: Adjacency, node: number): Int32Array {
  return adjacency.targets.subarray(at(adjacency.offsets, node), at(adjacency.offsets, node + 1));
}

/** How many neighbours each node has. */
export function countNeighbours({ offsets }: Adjacency): Int32Array {
  const counts = new Int32Array(offsets.length - 1);
  for (let node = 0; node < counts.length; node += 1) {
    counts[node] = at(offsets, node + 1) - at(offsets, node);
  }
  return counts;
}

/**
 * Groups edges by their source: a counting sort, so edges of one source stay in the given order.
 * O(nodes + edges). Throws RangeError for an index outside of 0 … size-1.
 */
export function groupBySource(size: number, sources: Int32Array, targets: Int32Array): Adjacency {
  const offsets = new Int32Array(size + 1);
  for (let edge = 0; edge < sources.length; edge += 1) {
    const source = at(sources, edge);
    const target = at(targets, edge);
    if (source < 0 || source >= size || target < 0 || target >= size) {
      throw new RangeError(`Edge ${edge} joins ${source} and ${target}, but there are ${size} nodes`);
    }
    offsets[source + 1] = at(offsets, source + 1) + 1;
  }
  for (let node = 0; node < size; node += 1) offsets[node + 1] = at(offsets, node + 1) + at(offsets, node);
  const next = offsets.slice(0, size);
  const grouped = new Int32Array(sources.length);
  for (let edge = 0; edge < sources.length; edge += 1) {
    const source = at(sources, edge);
    const slot = at(next, source);
    grouped[slot] = at(targets, edge);
    next[source] = slot + 1;
  }
  return { offsets, targets: grouped };
}

/** Every edge turned round. The neighbours of a node come out in rising order. O(nodes + edges). */
export function transpose({ offsets, targets }: Adjacency): Adjacency {
  const size = offsets.length - 1;
  const sources = new Int32Array(targets.length);
  for (let node = 0; node < size; node += 1) sources.fill(node, at(offsets, node), at(offsets, node + 1));
  return groupBySource(size, targets, sources);
}

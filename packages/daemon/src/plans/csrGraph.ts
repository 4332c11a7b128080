/**
 * A graph over the numbers 0 … nodeCount-1 in two flat arrays: the targets of node `n` are
 * `targets[offsets[n]] … targets[offsets[n + 1] - 1]`. Here an edge goes from a task to its prerequisite.
 */
export interface CsrGraph {
  readonly nodeCount: number;
  readonly offsets: Int32Array;
  readonly targets: Int32Array;
}

export function createCsrGraph(targetsByNode: readonly (readonly number[])[]): CsrGraph {
  const nodeCount = targetsByNode.length;
  const offsets = new Int32Array(nodeCount + 1);
  for (const [node, targets] of targetsByNode.entries())
    offsets[node + 1] = at(offsets, node) + targets.length;
  const flat = new Int32Array(at(offsets, nodeCount));
  for (const [node, targets] of targetsByNode.entries()) flat.set(targets, at(offsets, node));
  return { nodeCount, offsets, targets: flat };
}

/** The same edges, each turned round. */
export function reverseCsrGraph(graph: CsrGraph): CsrGraph {
  const { nodeCount, offsets, targets } = graph;
  const reversedOffsets = new Int32Array(nodeCount + 1);
  for (const target of targets) reversedOffsets[target + 1] = at(reversedOffsets, target + 1) + 1;
  for (let node = 0; node < nodeCount; node += 1) {
    reversedOffsets[node + 1] = at(reversedOffsets, node + 1) + at(reversedOffsets, node);
  }
  const next = reversedOffsets.slice();
  const reversedTargets = new Int32Array(targets.length);
  for (let node = 0; node < nodeCount; node += 1) {
    for (let edge = at(offsets, node); edge < at(offsets, node + 1); edge += 1) {
      const target = at(targets, edge);
      const slot = at(next, target);
      reversedTargets[slot] = node;
      next[target] = slot + 1;
    }
  }
  return { nodeCount, offsets: reversedOffsets, targets: reversedTargets };
}

/** An element that is known to be there. */
export function at(numbers: Int32Array, index: number): number {
  const value = numbers[index];
  if (value === undefined) throw new RangeError(`Index ${index} is outside of ${numbers.length} elements.`);
  return value;
}

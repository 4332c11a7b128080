import type { Adjacency } from './adjacency.js';

/**
 * Tasks and what they depend on, for up to millions of both. A task is a node: a number from 0 to size-1, in the order
 * in which the tasks were given. An edge says "dependent depends on prerequisite". No edge leads from a node to
 * itself and none is there twice; cycles are possible. Immutable: nobody writes into its arrays.
 */
export interface TaskGraph {
  readonly size: number;
  readonly edgeCount: number;
  /** The id of each node. */
  readonly ids: readonly string[];
  /** The node of an id, -1 when there is none. */
  indexOf(id: string): number;
  /** node → what it depends on, in the order in which it was given. */
  readonly prerequisites: Adjacency;
  /** node → what depends on it, in rising order. */
  readonly dependents: Adjacency;
}

export interface Edge {
  dependent: string;
  prerequisite: string;
}

/** A graph, and what of the input could not become part of it. */
export interface BuiltGraph {
  readonly graph: TaskGraph;
  /** The prerequisite is no task of the graph. */
  readonly danglingEdges: readonly Edge[];
  /** Tasks that name themselves, each once. */
  readonly selfDependencies: readonly string[];
  /** Once for every time an edge is named again. */
  readonly duplicateEdges: readonly Edge[];
  /** Once for every further task with the id; it is left out, with everything it depends on. */
  readonly duplicateIds: readonly string[];
}

/** The ids along a path of nodes. */
export function idsOf(graph: TaskGraph, nodes: Iterable<number>): string[] {
  // Not Array.from: with a million of them it asks an iterator and calls a function for each.
  const ids: string[] = [];
  for (const node of nodes) ids.push(graph.ids[node] as string);
  return ids;
}

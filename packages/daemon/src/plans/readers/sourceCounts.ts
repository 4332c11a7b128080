import type { PlanSourceCounts } from '../planReader.js';

/** Counts what a file held, in its own words. */
export interface SourceCounts extends PlanSourceCounts {
  addRow(): void;
  addStatus(status: string): void;
  addEdge(type: string, isDangling: boolean): void;
  addEdges(type: string, ids: readonly string[], known: ReadonlySet<string>): void;
  addMissingPriority(): void;
}

export function createSourceCounts(): SourceCounts {
  const statuses = new Map<string, number>();
  const edgeTypes = new Map<string, number>();
  let rows = 0;
  let danglingEdges = 0;
  let missingPriorities = 0;
  const addEdge = (type: string, isDangling: boolean): void => {
    incrementCount(edgeTypes, type);
    if (isDangling) danglingEdges += 1;
  };
  return {
    statuses,
    edgeTypes,
    get rows() {
      return rows;
    },
    get danglingEdges() {
      return danglingEdges;
    },
    get missingPriorities() {
      return missingPriorities;
    },
    addRow() {
      rows += 1;
    },
    addStatus: (status) => incrementCount(statuses, status),
    addEdge,
    addEdges(type, ids, known) {
      for (const id of ids) addEdge(type, !known.has(id));
    },
    addMissingPriority() {
      missingPriorities += 1;
    },
  };
}

export function incrementCount(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

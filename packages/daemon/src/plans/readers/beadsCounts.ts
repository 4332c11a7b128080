import type { PlanSourceCounts } from '../planReader.js';

export interface BeadsCounts extends PlanSourceCounts {
  /** Times by the offset they are written with. */
  readonly offsets: ReadonlyMap<string, number>;
  addRow(): void;
  addStatus(status: string): void;
  addEdge(type: string, isDangling: boolean): void;
  addOffset(offset: string): void;
  addMissingPriority(): void;
}

export function createBeadsCounts(): BeadsCounts {
  const statuses = new Map<string, number>();
  const edgeTypes = new Map<string, number>();
  const offsets = new Map<string, number>();
  let rows = 0;
  let danglingEdges = 0;
  let missingPriorities = 0;
  return {
    statuses,
    edgeTypes,
    offsets,
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
    addStatus: (status) => increment(statuses, status),
    addEdge(type, isDangling) {
      increment(edgeTypes, type);
      if (isDangling) danglingEdges += 1;
    },
    addOffset: (offset) => increment(offsets, offset),
    addMissingPriority() {
      missingPriorities += 1;
    },
  };
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

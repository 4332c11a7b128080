import { createSourceCounts, incrementCount, type SourceCounts } from './sourceCounts.js';

export interface BeadsCounts extends SourceCounts {
  /** Times by the offset they are written with. */
  readonly offsets: ReadonlyMap<string, number>;
  addOffset(offset: string): void;
}

export function createBeadsCounts(): BeadsCounts {
  const offsets = new Map<string, number>();
  // Getters are lost in a spread.
  return Object.assign(createSourceCounts(), {
    offsets,
    addOffset: (offset: string) => incrementCount(offsets, offset),
  });
}

/** How often each fault was really injected. */
export interface CountedFaults {
  count(fault: string, times?: number): void;
  readonly counts: ReadonlyMap<string, number>;
}

export function countFaults(): CountedFaults {
  const counts = new Map<string, number>();
  return {
    counts,
    count(fault, times = 1) {
      counts.set(fault, (counts.get(fault) ?? 0) + times);
    },
  };
}

import { monotonicMs } from '../contestants/contestant.js';

/** Between a library that calls a handler with each job and somebody who waits for one at a time. */
export function arrivals(): { arrived(): void; next(): Promise<number> } {
  let arrive: ((at: number) => void) | null = null;
  return {
    arrived() {
      const at = monotonicMs();
      if (arrive === null) throw new Error('A job came that nobody waited for');
      arrive(at);
      arrive = null;
    },
    next: () =>
      new Promise((resolve) => {
        arrive = resolve;
      }),
  };
}

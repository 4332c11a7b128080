import { formatId, type IdKind } from '@neolith/contracts';
import type { SweepStep } from '../domain/sweepSteps.js';
import { isDatabaseUnavailable } from '../store/sql.js';
import type { Fault } from '../workEngine.js';

/** Does things one by one, or many at once, so that one that can't be done holds up none of the others. */
export interface FaultIsolation {
  readonly faults: readonly Fault[];
  /** One thing by itself; undefined: it could not be done, and is a fault. */
  one<Result>(
    what: { step: SweepStep; kind?: IdKind; id?: string | null },
    work: () => Promise<Result>,
  ): Promise<Result | undefined>;
  /**
   * Many in one go, as they are as a rule all sound. Where that fails they are halved until those that fail stand alone:
   * of a thousand with one bad one among them, twenty tries.
   */
  many<Item, Result>(
    what: { step: SweepStep; kind: IdKind; idOf: (item: Item) => string },
    items: readonly Item[],
    work: (items: readonly Item[]) => Promise<readonly Result[]>,
  ): Promise<Result[]>;
}

/** Faults are collected; only that the database can't be asked at all is thrown on, for then nothing can be done. */
export function isolateFaults(): FaultIsolation {
  const faults: Fault[] = [];

  function note(step: SweepStep, id: string | null, error: unknown): void {
    if (isAway(error)) throw error;
    faults.push({ step, id, error });
  }

  const isolation: FaultIsolation = {
    faults,
    async one({ step, kind, id }, work) {
      try {
        return await work();
      } catch (error) {
        note(step, kind === undefined || id === undefined || id === null ? null : formatId(kind, id), error);
        return undefined;
      }
    },
    async many(what, items, work) {
      if (items.length === 0) return [];
      try {
        return [...(await work(items))];
      } catch (error) {
        if (isAway(error)) throw error;
        const [only] = items;
        if (items.length === 1 && only !== undefined) {
          note(what.step, formatId(what.kind, what.idOf(only)), error);
          return [];
        }
      }
      const middle = Math.ceil(items.length / 2);
      const first = await isolation.many(what, items.slice(0, middle), work);
      return [...first, ...(await isolation.many(what, items.slice(middle), work))];
    },
  };
  return isolation;
}

function isAway(error: unknown): boolean {
  if (isDatabaseUnavailable(error)) return true;
  return error instanceof Error && 'code' in error && error.code === 'DATABASE_UNAVAILABLE';
}

/** A larger batch saves little more, and holds its locks for longer. */
const BATCH_LIMIT = 256;
/** A smaller one costs more by itself than two connections at work at once can win back. */
const WORTH_HALVING = 64;

type Kind = 'claims' | 'endings';

/**
 * How large the next batch may be. Who claims and completes in turn, many at once, falls into step: all claim together,
 * then all complete together, and of two connections one is always idle. Where both kinds take turns, a batch takes at
 * most half of the calls that are under way, and the other half is done meanwhile. Few calls, and calls of one kind
 * alone, go together.
 */
export interface Turns {
  /** Counts a call as under way until it is answered. */
  count<Answer>(call: Promise<Answer>): Promise<Answer>;
  /** The limits of one lane of this kind. */
  of(kind: Kind): () => number;
}

export function createTurns(): Turns {
  let underWay = 0;
  const batches: Record<Kind, number> = { claims: 0, endings: 0 };
  return {
    async count(call) {
      underWay += 1;
      try {
        return await call;
      } finally {
        underWay -= 1;
      }
    },
    of(kind) {
      const other = kind === 'claims' ? 'endings' : 'claims';
      let seen = 0;
      return () => {
        const taken = batches[other];
        const inTurn = taken !== seen;
        seen = taken;
        batches[kind] += 1;
        return inTurn ? Math.min(BATCH_LIMIT, Math.max(WORTH_HALVING, Math.ceil(underWay / 2))) : BATCH_LIMIT;
      };
    },
  };
}

import { createTestDatabase } from '@neolith/database/testing';
import type { Pool } from 'pg';
import { type SimulationFailure, type StoryOptions, simulate } from './simulate.js';
import type { Tally } from './tally.js';
import { isStarved } from './world.js';

/** Each story leaves its rows behind; so many in one database don't slow each other down. */
const STORIES_A_DATABASE = 150;
const POOL_SIZE = 6;
const TRIES_MAX = 6;

export interface ManyOptions extends StoryOptions {
  first: number;
  count: number;
  /** Stories side by side, each in a workspace of its own. Default 4. */
  atOnce?: number;
  /** After so many failures no more stories are begun. Default 1. */
  failuresMax?: number;
  /** Done to each database first. Default: nothing. */
  prepare?: (pool: Pool) => Promise<void>;
  /** Told at once of a story that broke a rule. */
  onFailure?: (failure: SimulationFailure) => void;
}

/** Tells the stories of many seeds, in clones of the template. Gives those that broke a rule, by their seeds. */
export async function simulateMany(tally: Tally, options: ManyOptions): Promise<SimulationFailure[]> {
  const failures: SimulationFailure[] = [];
  const end = options.first + options.count;
  for (let begin = options.first; begin < end; begin += STORIES_A_DATABASE) {
    const database = await createTestDatabase({ poolSize: POOL_SIZE, statementTimeoutMs: 60_000 });
    try {
      await options.prepare?.(database.database.pool);
      let next = begin;
      const worker = async () => {
        while (
          next < Math.min(end, begin + STORIES_A_DATABASE) &&
          failures.length < (options.failuresMax ?? 1)
        ) {
          const seed = next;
          next += 1;
          const failure = await tell(() => simulate(database.database, seed, tally, options));
          if (failure === null) continue;
          failures.push(failure);
          options.onFailure?.(failure);
        }
      };
      await Promise.all(Array.from({ length: options.atOnce ?? 4 }, worker));
    } finally {
      await database.drop();
    }
  }
  return failures.sort((a, b) => a.seed - b.seed);
}

/** Null: no rule was broken. What the machine was too busy for is told once more, from the beginning. */
async function tell(story: () => Promise<unknown>): Promise<SimulationFailure | null> {
  for (let tries = 1; ; tries += 1) {
    try {
      await story();
      return null;
    } catch (failure) {
      if (tries === TRIES_MAX || !isStarved((failure as SimulationFailure).cause))
        return failure as SimulationFailure;
    }
  }
}

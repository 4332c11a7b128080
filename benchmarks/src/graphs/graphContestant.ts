import type { Drained } from '../contestants/contestant.js';
import type { GraphShape } from './graphShape.js';

/** Something that can do no-op tasks which depend on one another, alone in a process of its own. */
export interface GraphContestant {
  /** Hands in one graph, without beginning it; not measured. */
  prepare(shape: GraphShape): Promise<void>;
  /** Does it to the end. */
  run(inFlight: number): Promise<Drained>;
  /** Not measured: throws unless what it keeps says that every task of the graph was done, and done once. */
  verify(): Promise<void>;
  close(): Promise<void>;
}

export type GraphContestantSettings =
  | { readonly kind: 'neolith'; readonly url: string; readonly inRun: boolean }
  | { readonly kind: 'bullmq'; readonly port: number }
  | { readonly kind: 'dbos'; readonly url: string };

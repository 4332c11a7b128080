import type { ListedTask } from './taskLists.js';

/** A library that can order tasks. */
export interface OrderContestant<Graph = unknown> {
  /** Brings the tasks into the form that the library works on. */
  build(tasks: readonly ListedTask[]): Graph;
  /** Every id, each after everything it depends on. */
  order(graph: Graph): Iterable<string>;
  /** The rest of the answer, where the library has it: waves, critical path. */
  more(graph: Graph): void;
}

export const ORDERERS = ['neolith', 'graphology-dag', 'toposort', '@dagrejs/graphlib'] as const;
export type Orderer = (typeof ORDERERS)[number];

/** Loads one; only its own library is loaded. */
export async function openOrderer(name: Orderer): Promise<OrderContestant> {
  switch (name) {
    case 'neolith':
      return (await import('./neolithOrder.js')).neolithOrder as OrderContestant;
    case 'graphology-dag':
      return (await import('./graphologyOrder.js')).graphologyOrder as OrderContestant;
    case 'toposort':
      return (await import('./toposortOrder.js')).toposortOrder as OrderContestant;
    case '@dagrejs/graphlib':
      return (await import('./graphlibOrder.js')).graphlibOrder as OrderContestant;
  }
}

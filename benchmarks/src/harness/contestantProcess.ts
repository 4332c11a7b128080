import { fileURLToPath } from 'node:url';
import type { Drained } from '../contestants/contestant.js';
import type { ContestantSettings } from '../contestants/contestantSettings.js';
import type { ContestantRequest } from '../contestants/serveContestant.js';
import { startAsked } from './childProcess.js';

/** A contestant in a process of its own. */
export interface ContestantProcess {
  /** What another process needs to join in its work; null where nothing has to be known. */
  readonly joinWith: string | null;
  fill(tasks: number): Promise<void>;
  drain(tasks: number, inFlight: number): Promise<Drained>;
  verify(): Promise<void>;
  /** Closes it and waits until its process has ended. */
  close(): Promise<void>;
}

const SERVE = fileURLToPath(new URL('../contestants/serveContestant.js', import.meta.url));

export async function openContestantProcess(settings: ContestantSettings): Promise<ContestantProcess> {
  const child = startAsked<ContestantRequest>(SERVE);
  return {
    joinWith: (await child.ask({ ask: 'open', settings })) as string | null,
    fill: async (tasks) => {
      await child.ask({ ask: 'fill', tasks });
    },
    drain: async (tasks, inFlight) => (await child.ask({ ask: 'drain', tasks, inFlight })) as Drained,
    verify: async () => {
      await child.ask({ ask: 'verify' });
    },
    close: () => child.end({ ask: 'close' }),
  };
}

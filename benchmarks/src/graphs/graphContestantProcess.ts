import { fileURLToPath } from 'node:url';
import type { Drained } from '../contestants/contestant.js';
import { startAsked } from '../harness/childProcess.js';
import type { GraphContestant, GraphContestantSettings } from './graphContestant.js';
import type { GraphContestantRequest } from './serveGraphContestant.js';

const SERVE = fileURLToPath(new URL('./serveGraphContestant.js', import.meta.url));

/** A contestant in a process of its own; closing it waits until that has ended. */
export async function openGraphContestant(settings: GraphContestantSettings): Promise<GraphContestant> {
  const child = startAsked<GraphContestantRequest>(SERVE);
  await child.ask({ ask: 'open', settings });
  return {
    prepare: async (shape) => {
      await child.ask({ ask: 'prepare', shape });
    },
    run: async (inFlight) => (await child.ask({ ask: 'run', inFlight })) as Drained,
    verify: async () => {
      await child.ask({ ask: 'verify' });
    },
    close: () => child.end({ ask: 'close' }),
  };
}

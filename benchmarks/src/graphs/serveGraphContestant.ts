import { answerParent } from '../harness/answerParent.js';
import type { GraphContestant, GraphContestantSettings } from './graphContestant.js';
import type { GraphShape } from './graphShape.js';

export type GraphContestantRequest =
  | { readonly ask: 'open'; readonly settings: GraphContestantSettings }
  | { readonly ask: 'prepare'; readonly shape: GraphShape }
  | { readonly ask: 'run'; readonly inFlight: number }
  | { readonly ask: 'verify' }
  | { readonly ask: 'close' };

let contestant: GraphContestant | null = null;

answerParent<GraphContestantRequest>(async (request) => {
  if (request.ask === 'open') {
    contestant = await open(request.settings);
    return null;
  }
  if (contestant === null) throw new Error('Nothing is open yet');
  switch (request.ask) {
    case 'prepare':
      return contestant.prepare(request.shape);
    case 'run':
      return contestant.run(request.inFlight);
    case 'verify':
      return contestant.verify();
    case 'close':
      return contestant.close();
  }
});

/** Only its own library is loaded. */
async function open(settings: GraphContestantSettings): Promise<GraphContestant> {
  switch (settings.kind) {
    case 'neolith':
      return (await import('./neolithGraphs.js')).neolithGraphs(settings);
    case 'bullmq':
      return (await import('./bullmqFlows.js')).bullmqFlows(settings);
    case 'dbos':
      return (await import('./dbosSteps.js')).dbosSteps(settings);
  }
}

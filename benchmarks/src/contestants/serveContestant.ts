import { answerParent } from '../harness/answerParent.js';
import type { Contestant } from './contestant.js';
import type { ContestantSettings } from './contestantSettings.js';
import { openContestant } from './openContestant.js';

export type ContestantRequest =
  | { readonly ask: 'open'; readonly settings: ContestantSettings }
  | { readonly ask: 'fill'; readonly tasks: number }
  | { readonly ask: 'drain'; readonly tasks: number; readonly inFlight: number }
  | { readonly ask: 'verify' }
  | { readonly ask: 'close' };

let contestant: Contestant | null = null;

answerParent<ContestantRequest>(async (request) => {
  if (request.ask === 'open') {
    contestant = await openContestant(request.settings);
    return contestant.joinWith;
  }
  if (contestant === null) throw new Error('Nothing is open yet');
  switch (request.ask) {
    case 'fill':
      return contestant.fill(request.tasks);
    case 'drain':
      return contestant.drain(request.tasks, request.inFlight);
    case 'verify':
      return contestant.verify();
    case 'close':
      return contestant.close();
  }
});

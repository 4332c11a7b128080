import type { Contestant } from './contestant.js';
import type { ContestantSettings } from './contestantSettings.js';
import { openContestant } from './openContestant.js';

/** What the benchmark asks its child processes, one thing at a time. */
export type Request =
  | { readonly ask: 'open'; readonly settings: ContestantSettings }
  | { readonly ask: 'fill'; readonly tasks: number }
  | { readonly ask: 'drain'; readonly tasks: number; readonly inFlight: number }
  | { readonly ask: 'verify' }
  | { readonly ask: 'close' };

export type Response = { readonly answer: unknown } | { readonly error: string };

let contestant: Contestant | null = null;

async function answerTo(request: Request): Promise<unknown> {
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
}

async function respond(request: Request): Promise<void> {
  let response: Response;
  try {
    response = { answer: await answerTo(request) };
  } catch (error) {
    response = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  process.send?.(response);
}

process.on('message', (request: Request) => {
  void respond(request);
});
// Whoever asks is gone, or has heard the answer to its last question.
process.on('disconnect', () => process.exit(0));

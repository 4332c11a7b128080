import type { AttemptEvent, TaskRecord } from '@neolith/daemon';
import { describeDuration } from '../output/duration.js';
import { plainLine, type Terminal } from '../output/terminal.js';
import type { Display } from '../watch/openDisplay.js';
import { describeUsage } from './describeUsage.js';
import { summariseError } from './summariseError.js';

/**
 * Tells whoever watches what happens to single tasks: what went wrong and what takes long always, the rest where nothing
 * is redrawn.
 */
export function tellAttempt(
  event: AttemptEvent,
  record: TaskRecord | undefined,
  display: Pick<Display, 'note' | 'attempt'>,
  { style }: Pick<Terminal, 'style'>,
): void {
  const title = plainLine(record?.title ?? event.taskId);
  const tell = display.attempt ?? (() => undefined);
  switch (event.kind) {
    case 'agent':
      tell(`▸ ${title}: ${event.agent} works on it${tryOf(record)}`);
      return;
    case 'slow':
      display.note(
        style(
          'yellow',
          `Takes long: ${title} has run for ${describeDuration(event.runningMs / 1_000)} and will be ended at ${event.endsAt.toTimeString().slice(0, 8)}`,
        ),
      );
      return;
    case 'reused':
      tell(`▸ ${title}: takes over the result of ${event.from.attemptId}`);
      return;
    case 'merge_refused':
      display.note(
        style(
          'yellow',
          `${title}: can't be merged for now, and is tried again: ${summariseError(event.reason)}`,
        ),
      );
      return;
    case 'merging':
      tell(`⇢ ${title}: to be merged`);
      return;
    case 'ended':
      tellEnd(event, title, tell, { ...display, style });
      return;
    default:
  }
}

function tellEnd(
  { result, error, durationMs, usage }: Extract<AttemptEvent, { kind: 'ended' }>,
  title: string,
  tell: (line: string) => void,
  { note, style }: Pick<Display, 'note'> & Pick<Terminal, 'style'>,
): void {
  const why = error === null || error === '' ? '' : `: ${summariseError(error)}`;
  const used = [describeDuration(durationMs / 1_000), describeUsage(usage ?? {})].filter(
    (fact) => fact !== '',
  );
  switch (result) {
    case 'completed':
      tell(`✓ ${title}: done after ${used.join(', ')}`);
      return;
    case 'failed':
      note(style('red', `✗ ${title}: failed${why}`));
      return;
    case 'merge_failed':
      note(style('yellow', `! ${title}: not merged${why}`));
      return;
    case 'blocked':
      note(style('yellow', `! ${title}: waits for a person${why}`));
      return;
    case 'cancelled':
      note(style('yellow', `⊘ ${title}: cancelled`));
      return;
    case 'released':
      note(style('dim', `· ${title}: given back`));
      return;
    case 'dropped':
      note(style('yellow', `! ${title}: its result was dropped${why}`));
  }
}

function tryOf(record: TaskRecord | undefined): string {
  return record === undefined || record.number === 1 ? '' : ` (try ${record.number})`;
}

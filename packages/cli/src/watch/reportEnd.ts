import type { Run } from '@neolith/contracts';
import { describeDuration } from '../output/duration.js';
import { plainLine, type Terminal } from '../output/terminal.js';
import { describeCounts } from './describeProgress.js';
import { describeRemedies, remediesOf } from './runEnding.js';

/** The last words of a command that saw a run end: how, after how long, and what can be done about it. */
export function reportEnd(
  terminal: Terminal,
  run: Run,
  { json, exitCode }: { readonly json: boolean; readonly exitCode: number },
): void {
  if (json) {
    terminal.jsonLine({ kind: 'ended', run, exitCode });
    return;
  }
  const style = run.status === 'SUCCEEDED' ? 'green' : 'red';
  const took =
    run.startedAt === null
      ? ''
      : ` after ${describeDuration(((run.finishedAt ?? new Date()).getTime() - run.startedAt.getTime()) / 1_000)}`;
  terminal.out(
    `${terminal.style(style, run.status.toLowerCase())}${took}: ${describeCounts(run)}${run.reason === null ? '' : `. ${plainLine(run.reason)}`}`,
  );
  for (const line of describeRemedies(remediesOf(run))) terminal.out(line);
}

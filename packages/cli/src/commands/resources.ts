import type { ResourceBoard } from '@neolith/contracts';
import { neolithHome } from '@neolith/database/home';
import { type ConnectionFlags, resolveConnection } from '../connection/resolveConnection.js';
import { describeDuration } from '../output/duration.js';
import { formatTable } from '../output/table.js';
import { plainLine, type Terminal } from '../output/terminal.js';

/** `neolith resources`: who holds which resource, who waits for whom, and since when. */
export async function resources(
  terminal: Terminal,
  options: ConnectionFlags & { json?: true },
): Promise<void> {
  const { client } = resolveConnection(options, process.env, neolithHome());
  const board = await client.getResources();
  if (options.json) {
    terminal.json(board);
    return;
  }
  for (const line of describeResources(board)) terminal.out(line);
}

/** As lines of text. Pure. */
function describeResources({ at, holds, waits, deadlocks }: ResourceBoard): string[] {
  const since = (time: Date) => describeDuration(Math.max(0, (at.getTime() - time.getTime()) / 1_000));
  const lines =
    holds.length === 0
      ? ['Nothing is held.']
      : formatTable(
          ['RESOURCE', 'MODE', 'FOR', 'HELD BY'],
          holds.map(({ resource, mode, since: time, taskId, title }) => [
            plainLine(resource),
            mode,
            since(time),
            `${plainLine(title)} (${taskId})`,
          ]),
        );
  if (waits.length > 0) lines.push('', 'Waiting, longest first:');
  for (const wait of waits) {
    const wanted = wait.resources.map(({ resource, mode }) => `${plainLine(resource)} ${mode}`).join(', ');
    const what = wait.attemptId === null ? 'to begin' : 'while it runs';
    lines.push(`  ${plainLine(wait.title)} (${wait.taskId}) ${what}, for ${since(wait.since)}: ${wanted}`);
    for (const { resource, title, taskId, holds: isHeld } of wait.waitsFor)
      lines.push(
        `    ${isHeld ? 'held by' : 'after'} ${plainLine(title)} (${taskId}): ${plainLine(resource)}`,
      );
  }
  if (deadlocks.length > 0) lines.push('', 'Deadlocks that were broken, the latest first:');
  for (const { at: time, cycle } of deadlocks) {
    lines.push(`  ${since(time)} ago, each waited for the next, the last for the first:`);
    for (const { taskId, title, askedFor, gaveWay } of cycle) {
      const wanted = askedFor.map(({ resource, mode }) => `${plainLine(resource)} ${mode}`).join(', ');
      lines.push(
        `    ${title === null ? taskId : `${plainLine(title)} (${taskId})`}: ${wanted}${gaveWay ? '; it gave way' : ''}`,
      );
    }
  }
  return lines;
}

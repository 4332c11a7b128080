import { setTimeout as sleep } from 'node:timers/promises';
import type { Attempt, LogChunk, LogPage, NeolithClient } from '@neolith/contracts';
import { isNeolithError } from '@neolith/contracts';
import { sanitiseText } from '@neolith/daemon/text';
import { neolithHome } from '@neolith/database/home';
import { findAttempt } from '../connection/findAttempt.js';
import { type ConnectionFlags, resolveConnection } from '../connection/resolveConnection.js';
import { EXIT } from '../output/exitCodes.js';
import { plainLine, type Terminal } from '../output/terminal.js';
import { listenForEnd } from '../start/signals.js';

export interface LogsFlags extends ConnectionFlags {
  readonly follow?: true;
  /** Its number; default the last one. */
  readonly attempt?: number;
  /** Lines. */
  readonly tail?: number;
  readonly json?: true;
}

/** One call waits so long for more. */
const WAIT_SECONDS = 20;
/** After the attempt's end its daemon has so long for the last words. */
const LAST_WORDS_MS = 15_000;
const AWAY_MS = 2_000;

/** `neolith logs TASK`: what the agent of an attempt printed; with `--follow` until the attempt is over. */
export async function logs(terminal: Terminal, wanted: string, options: LogsFlags): Promise<void> {
  const { client } = resolveConnection(options, process.env, neolithHome());
  const asked = options.follow ? listenForEnd() : null;
  const stopping = new AbortController();
  void asked?.once.then(() => stopping.abort());
  try {
    const attempt = await findAttempt(client, wanted, {
      number: options.attempt,
      wait: options.follow === true,
      signal: stopping.signal,
      onWait: () => terminal.note('It has not been started yet; waiting for its first attempt.'),
    });
    const last = await readOn(client, attempt, {
      tail: options.tail,
      follow: options.follow === true,
      signal: stopping.signal,
      onChunk: (chunk) => print(terminal, attempt, chunk, options.json === true),
      onAway: (message) => terminal.note(terminal.style('yellow', message)),
    });
    if (last !== null && options.follow === true && !options.json) {
      const ended = await client.getAttempt({ params: { id: attempt.id } });
      terminal.note(terminal.style('dim', describeEnd(ended)));
    }
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
  }
  if (stopping.signal.aborted) process.exitCode = EXIT.interrupted;
}

interface ReadOptions {
  readonly tail: number | undefined;
  readonly follow: boolean;
  readonly signal: AbortSignal;
  readonly onChunk: (chunk: LogChunk) => void;
  readonly onAway: (message: string) => void;
}

/** Reads page after page; following, until nothing more will come. Null: broken off. */
async function readOn(
  client: NeolithClient,
  attempt: Pick<Attempt, 'id'>,
  options: ReadOptions,
): Promise<LogPage | null> {
  let place: { after: number } | { tail: number } =
    options.tail === undefined ? { after: 0 } : { tail: options.tail };
  let waitSeconds = 0;
  let endedMs: number | null = null;
  let isAway = false;
  for (;;) {
    if (options.signal.aborted) return null;
    let page: LogPage;
    try {
      page = await client.readAttemptLog({
        params: { id: attempt.id },
        query: { ...place, waitSeconds },
        signal: options.signal,
      });
    } catch (error) {
      // A server that is started anew is waited for: who follows wants to see the end.
      const isLater = isNeolithError(error) && error.status === 503;
      if (!options.follow || !isLater) throw error;
      if (!isAway) options.onAway('The server does not answer; trying again.');
      isAway = true;
      await pause(AWAY_MS, options.signal);
      continue;
    }
    isAway = false;
    for (const chunk of page.chunks) options.onChunk(chunk);
    place = { after: page.next };
    if (page.more) continue;
    if (!options.follow || page.complete) return page;
    if (page.status !== 'RUNNING') endedMs ??= performance.now();
    const leftMs = endedMs === null ? Number.POSITIVE_INFINITY : endedMs + LAST_WORDS_MS - performance.now();
    if (leftMs <= 0) return page;
    waitSeconds = Math.max(1, Math.min(WAIT_SECONDS, Math.ceil(leftMs / 1_000)));
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    // Told to end; the caller looks at the signal.
  }
}

function print(terminal: Terminal, attempt: Pick<Attempt, 'id'>, chunk: LogChunk, json: boolean): void {
  const facts = { attemptId: attempt.id, sequence: chunk.sequence, at: chunk.at.toISOString() };
  if (chunk.droppedBytes > 0) {
    if (json) terminal.jsonLine({ ...facts, droppedBytes: chunk.droppedBytes });
    else terminal.out(terminal.style('dim', `[… ${chunk.droppedBytes} bytes dropped …]`));
  }
  for (const { stream, text } of chunk.entries) {
    for (const line of text.split('\n')) {
      if (json) terminal.jsonLine({ ...facts, stream, text: line });
      else terminal.verbatim(dress(terminal, stream, sanitiseText(line)));
    }
  }
}

/** On a terminal what came from stderr is told apart; in a file or a pipe lines are as they were. */
function dress(terminal: Terminal, stream: string, line: string): string {
  return terminal.isTerminal && stream === 'stderr' ? `${terminal.style('red', '│')} ${line}` : line;
}

function describeEnd(attempt: Attempt): string {
  const { number, status, error } = attempt;
  const reason = error === null || error === '' ? '' : `: ${plainLine(error).slice(0, 500)}`;
  if (status === 'RUNNING')
    return `The agent of attempt ${number} has ended; what is left is to merge its work`;
  return `Attempt ${number} ${status.toLowerCase().replace('_', ' ')}${reason}`;
}

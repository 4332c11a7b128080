import { watchRun } from '@neolith/daemon';
import { neolithHome } from '@neolith/database/home';
import { findRun } from '../connection/findRun.js';
import { resolveConnection } from '../connection/resolveConnection.js';
import { EXIT } from '../output/exitCodes.js';
import type { Terminal } from '../output/terminal.js';
import { listenForEnd } from '../start/signals.js';
import { openDisplay } from '../watch/openDisplay.js';
import { reportEnd } from '../watch/reportEnd.js';
import { exitCodeOfRun } from '../watch/runEnding.js';
import type { RunsFlags } from './runs.js';

/** `neolith runs watch RUN`: follows it until it is over; changes nothing. The exit code tells how it ended. */
export async function watch(terminal: Terminal, wanted: string, options: RunsFlags): Promise<void> {
  const { client } = resolveConnection(options, process.env, neolithHome());
  const run = await findRun(client, wanted);
  const asked = listenForEnd();
  const stopping = new AbortController();
  void asked.once.then(() => stopping.abort());
  const display = openDisplay(terminal, { name: run.name, json: options.json === true });
  // What was before is in the first progress.
  const cursor =
    display.event === null
      ? undefined
      : (await client.getRunSnapshot({ params: { id: run.id }, timeoutMs: 60_000 })).cursor;
  const last = await watchRun({
    client,
    runId: run.id,
    signal: stopping.signal,
    onProgress: display.progress,
    onTrouble: display.trouble,
    ...(display.event === null ? {} : { onEvent: display.event }),
    ...(cursor === undefined ? {} : { cursor }),
  }).finally(display.end);
  if (last === null) {
    process.exitCode = EXIT.interrupted;
    return;
  }
  const ended = await client.getRun({ params: { id: run.id } });
  process.exitCode = exitCodeOfRun(ended.status) ?? EXIT.ok;
  reportEnd(terminal, ended, { json: options.json === true, exitCode: process.exitCode });
}

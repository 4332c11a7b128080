import type { NeolithClient, Run } from '@neolith/contracts';
import { type StorePlanInput, storePlan } from '@neolith/daemon';
import { describeImport } from '../import/describeImport.js';
import { describeRead, type LoadedPlan } from '../import/loadPlan.js';
import { CommandError } from '../output/commandError.js';
import { EXIT } from '../output/exitCodes.js';
import { plainLine, type Terminal } from '../output/terminal.js';
import { reportEnd } from '../watch/reportEnd.js';
import { describeRemedies, remediesOf } from '../watch/runEnding.js';

export interface ReadyOptions {
  readonly json?: true;
  readonly resume?: true;
}

const CALL_MS = 120_000;

/** Stores the plan as a run, and tells what came of it. */
export async function storeRun(
  terminal: Terminal,
  client: NeolithClient,
  input: StorePlanInput,
  { read }: LoadedPlan,
  { json }: ReadyOptions,
): Promise<Run> {
  const { result } = await storePlan(client, input);
  if (result.run === null) throw new Error('The server stored the plan and told of no run.');
  if (json) terminal.jsonLine({ kind: 'imported', ...describeRead(read), result });
  else {
    terminal.out(`${terminal.style('bold', plainLine(result.run.name))}  ${result.run.id}`);
    for (const line of describeImport(result, terminal)) terminal.out(line);
  }
  return result.run;
}

/**
 * Sees to it that work of the run can be handed out; with `resume` also where it had stopped for good. Null: there is
 * nothing to do, which was said.
 * @throws CommandError `RUN_ENDED` for a run that stopped and is not to be resumed
 */
export async function readyRun(
  terminal: Terminal,
  client: NeolithClient,
  run: Run,
  { json, resume }: ReadyOptions,
): Promise<Run | null> {
  if (run.status === 'SUCCEEDED') {
    const message = 'There is nothing to do: the run has succeeded already.';
    if (json) {
      terminal.jsonLine({ kind: 'note', message });
      reportEnd(terminal, run, { json: true, exitCode: EXIT.ok });
    } else terminal.note(terminal.style('yellow', message));
    return null;
  }
  if (run.status === 'PENDING' || run.status === 'RUNNING' || run.status === 'PAUSED') return run;
  if (resume !== true) {
    throw new CommandError(
      'conflict',
      'RUN_ENDED',
      [
        `${plainLine(run.name)} is ${run.status.toLowerCase()}; nothing was executed.`,
        '  `--resume` goes on with what is not done. Or:',
        ...describeRemedies(remediesOf(run)),
      ].join('\n'),
    );
  }
  return revive(client, run);
}

/** What a person would do about it by `neolith runs`. */
async function revive(client: NeolithClient, run: Run): Promise<Run> {
  const call = { params: { id: run.id }, body: {}, timeoutMs: CALL_MS };
  if (run.status === 'QUARANTINED') return client.releaseRun(call);
  if (run.status === 'FAILED') return client.retryRun(call);
  return client.resetRun(call);
}

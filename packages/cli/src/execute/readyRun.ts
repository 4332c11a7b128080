import type { NeolithClient, Run } from '@neolith/contracts';
import { type StorePlanInput, storePlan } from '@neolith/daemon';
import { listTasksOf } from '../connection/listTasksOf.js';
import { describeImport } from '../import/describeImport.js';
import { describeRead, type LoadedPlan } from '../import/loadPlan.js';
import { CommandError } from '../output/commandError.js';
import { EXIT } from '../output/exitCodes.js';
import { plural } from '../output/plural.js';
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
  const isOpen = run.status === 'PENDING' || run.status === 'RUNNING' || run.status === 'PAUSED';
  if (resume === true) {
    const revived = isOpen ? run : await revive(client, run);
    const again = await giveAnotherChance(client, run.id);
    if (again > 0) {
      const message = `${plural(again, 'task')} that failed or waited for a person ${again === 1 ? 'gets' : 'get'} another chance.`;
      if (json) terminal.jsonLine({ kind: 'note', message });
      else terminal.note(terminal.style('dim', message));
    }
    return revived;
  }
  if (isOpen) return run;
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

/** What a person would do about it by `neolith runs`. */
async function revive(client: NeolithClient, run: Run): Promise<Run> {
  const call = { params: { id: run.id }, body: {}, timeoutMs: CALL_MS };
  if (run.status === 'QUARANTINED') return client.releaseRun(call);
  if (run.status === 'FAILED') return client.retryRun(call);
  return client.resetRun(call);
}

/** Of a run that can go on: what failed is tried again, and what waits for a person goes on without an answer. */
async function giveAnotherChance(client: NeolithClient, runId: string): Promise<number> {
  const failed = await listTasksOf(client, runId, 'FAILED');
  const waiting = (await listTasksOf(client, runId, 'BLOCKED')).filter(
    ({ blockedReason }) => blockedReason !== null,
  );
  for (const { id } of failed) await client.retryTask({ params: { id } });
  for (const { id } of waiting) await client.unblockTask({ params: { id }, body: {} });
  return failed.length + waiting.length;
}

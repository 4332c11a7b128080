import { join, resolve } from 'node:path';
import { isNeolithError, type NeolithClient } from '@neolith/contracts';
import {
  applyCleanup,
  type CleanupPlan,
  endStrays,
  type KeptItem,
  listAttemptRecords,
  openRepository,
  planCleanup,
  type RemovableItem,
  type Repository,
} from '@neolith/daemon';
import { neolithHome } from '@neolith/database/home';
import { type ConnectionFlags, resolveConnection } from '../connection/resolveConnection.js';
import { listMarkers } from '../doctor/checkStrays.js';
import { CommandError } from '../output/commandError.js';
import { plainLine, type Terminal } from '../output/terminal.js';
import { readStartRecord } from '../start/startRecord.js';
import { isReady } from '../start/waitUntilReady.js';

export interface CleanupFlags extends ConnectionFlags {
  readonly repoPath?: string;
  readonly dryRun?: true;
  readonly json?: true;
}

/** `neolith cleanup`: removes what is provably merged and what a killed daemon left running; lists everything else. */
export async function cleanup(terminal: Terminal, options: CleanupFlags): Promise<void> {
  const home = neolithHome();
  const repository = await openRepository({
    path: resolve(options.repoPath ?? '.'),
    worktreesDirectory: join(home, 'worktrees'),
    environment: process.env,
  });
  const client = await connect(options, home);
  const plan = await planCleanup(repository, {
    activeAttemptIds: client === null ? [] : await listActive(client),
    endedTaskIds: client === null ? [] : await listEnded(client, repository),
  });
  const dryRun = options.dryRun === true;
  const { removed, kept } = dryRun
    ? { removed: plan.removable, kept: plan.kept }
    : await applyCleanup(repository, plan);
  const ended = dryRun ? 0 : await endAllStrays(home);
  if (options.json) {
    terminal.json({ dryRun, repository: repository.path, removed, kept, endedProcesses: ended });
    return;
  }
  tell(terminal, { removed, kept }, dryRun);
  if (ended > 0) terminal.out(`Ended ${ended} processes that a killed daemon had left running.`);
}

/**
 * Null: there is none. Without a server what a live process of this machine holds, and what waits for a person, is still
 * kept: that is told by the worktree itself.
 */
async function connect(options: ConnectionFlags, home: string): Promise<NeolithClient | null> {
  const isNamed = options.server !== undefined || Boolean(process.env.NEOLITH_URL);
  const record = readStartRecord(home);
  if (!isNamed && (record === null || !(await isReady(record.url)))) return null;
  const { client, url } = resolveConnection(options, process.env, home);
  if (!(await isReady(url))) {
    throw new CommandError(
      'failed',
      'SERVER_UNREACHABLE',
      `${url} does not answer, so it can't be asked which attempts go on. Nothing was removed.`,
    );
  }
  return client;
}

/** Attempts that go on. */
async function listActive(client: NeolithClient): Promise<string[]> {
  const { orchestrators } = await client.getOverview();
  return orchestrators.flatMap(({ running }) => running.map(({ attempt }) => attempt.id));
}

/** Of the tasks that a person was asked to do in a worktree here, those that are not waiting any more. */
async function listEnded(client: NeolithClient, repository: Repository): Promise<string[]> {
  const handedOff = (await listAttemptRecords(repository)).filter(({ handedOffAt }) => handedOffAt !== null);
  const ended: string[] = [];
  for (const id of new Set(handedOff.map(({ taskId }) => taskId))) {
    try {
      const { status } = await client.getTask({ params: { id } });
      if (status === 'DONE' || status === 'CANCELLED' || status === 'FAILED') ended.push(id);
    } catch (error) {
      // Of another server or workspace perhaps: somebody may wait for it there.
      if (!isNeolithError(error)) throw error;
    }
  }
  return ended;
}

async function endAllStrays(home: string): Promise<number> {
  let ended = 0;
  for (const marker of await listMarkers(home)) ended += (await endStrays(marker)).signalled;
  return ended;
}

function tell(
  terminal: Terminal,
  { removed, kept }: { readonly removed: readonly RemovableItem[]; readonly kept: CleanupPlan['kept'] },
  dryRun: boolean,
): void {
  for (const { path, branch, taskId } of removed) {
    const what = path ?? branch ?? taskId;
    terminal.out(`${terminal.style('green', dryRun ? 'would remove' : 'removed')}  ${plainLine(what)}`);
  }
  for (const item of kept) for (const line of describeKept(item, terminal)) terminal.out(line);
  if (removed.length + kept.length === 0) terminal.out('There is nothing to clean up.');
}

function describeKept({ path, branch, message, remedy }: KeptItem, terminal: Terminal): string[] {
  return [
    `${terminal.style('yellow', 'kept')}  ${plainLine(path ?? branch ?? '')}: ${plainLine(message)}`,
    terminal.style('dim', `      ${plainLine(remedy)}`),
  ];
}

import type { NeolithClient, OrchestratorOverview } from '@neolith/contracts';
import { plainLine } from '../output/terminal.js';

export interface RunningAttempt {
  readonly attemptId: string;
  readonly taskId: string;
  readonly title: string;
  readonly orchestrator: string;
  readonly agent: string | null;
  readonly number: number;
  readonly startedAt: Date;
  readonly progress: number;
  readonly message: string | null;
  /** What its agent printed last; null: nothing yet. */
  readonly lastOutput: { readonly at: Date; readonly text: string } | null;
}

/** Of more attempts than that it would take long. */
const LOGS_READ_MAX = 20;

/** What goes on, the oldest first. */
export async function findRunning(
  client: Pick<NeolithClient, 'readAttemptLog'>,
  overviews: readonly OrchestratorOverview[],
): Promise<RunningAttempt[]> {
  const running = overviews
    .flatMap(({ orchestrator, running: attempts }) => attempts.map((one) => ({ orchestrator, ...one })))
    .sort((a, b) => a.attempt.claimedAt.getTime() - b.attempt.claimedAt.getTime());
  return Promise.all(
    running.map(async ({ orchestrator, task, attempt, progress, progressMessage }, place) => ({
      attemptId: attempt.id,
      taskId: task.id,
      title: task.title,
      orchestrator: orchestrator.name,
      agent: attempt.agent,
      number: attempt.number,
      startedAt: attempt.claimedAt,
      progress,
      message: progressMessage,
      lastOutput: place < LOGS_READ_MAX ? await readLast(client, attempt.id) : null,
    })),
  );
}

async function readLast(
  client: Pick<NeolithClient, 'readAttemptLog'>,
  id: string,
): Promise<RunningAttempt['lastOutput']> {
  const { chunks } = await client.readAttemptLog({ params: { id }, query: { tail: 1 } });
  const last = chunks.at(-1);
  const text = last?.entries.at(-1)?.text.trimEnd().split('\n').at(-1) ?? '';
  return last === undefined || text.trim() === '' ? null : { at: last.at, text: plainLine(text) };
}

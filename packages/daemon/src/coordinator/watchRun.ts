import { setTimeout as sleep } from 'node:timers/promises';
import { type EngineEvent, isNeolithError, type NeolithClient, type RunProgress } from '@neolith/contracts';
import { judgeCallError } from '../worker/judgeCallError.js';
import { endsWatch } from './endsWatch.js';

export interface WatchOptions {
  readonly client: Pick<NeolithClient, 'getRunProgress' | 'getRunHistory'>;
  readonly runId: string;
  /** Ends the watch. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: RunProgress) => void;
  /** In order, none left out; asked for only where it is given. */
  readonly onEvent?: (event: EngineEvent) => void;
  /** Events after this one; left out: all from the beginning. */
  readonly cursor?: string;
  /** The server doesn't answer; the watch goes on. */
  readonly onTrouble: (error: unknown) => void;
  /** Between two looks, milliseconds. Default 1,000; more where the answer takes long. */
  readonly intervalMs?: number;
}

const INTERVAL_MS = 1_000;
/** A run of many tasks is not asked for more often than it can be answered at ease. */
const PATIENCE = 5;
const PAGE = 500;

/**
 * Looks at a run until it is over, or waits for a person (quarantine), or the signal comes; then, where events are told,
 * once more, and null.
 * @returns how it stood at the end.
 */
export async function watchRun(options: WatchOptions): Promise<RunProgress | null> {
  const { client, runId, signal, intervalMs = INTERVAL_MS } = options;
  let { cursor } = options;

  async function readEvents(): Promise<void> {
    if (options.onEvent === undefined) return;
    for (;;) {
      const page = await client.getRunHistory({
        params: { id: runId },
        query: { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) },
      });
      for (const event of page.events) options.onEvent(event);
      cursor = page.cursor;
      if (page.events.length < PAGE) return;
    }
  }

  let seen = false;
  while (!signal.aborted) {
    const askedMs = performance.now();
    try {
      const progress = await client.getRunProgress({ params: { id: runId }, timeoutMs: 60_000 });
      // After the progress: whatever led to it is told, too.
      await readEvents();
      options.onProgress(progress);
      seen = true;
      if (endsWatch(progress.status)) return progress;
    } catch (error) {
      if (!isPassing(error, seen)) throw error;
      options.onTrouble(error);
    }
    const tookMs = performance.now() - askedMs;
    try {
      await sleep(Math.max(intervalMs - tookMs, tookMs * PATIENCE, intervalMs / 4), undefined, { signal });
    } catch {
      // The signal; the loop ends by it.
      break;
    }
  }
  if (options.onEvent === undefined) return null;
  // Who is told everything is told how it stands now, too: the run may have ended since the last look.
  try {
    const progress = await client.getRunProgress({ params: { id: runId } });
    await readEvents();
    options.onProgress(progress);
  } catch (error) {
    options.onTrouble(error);
  }
  return null;
}

/** Whether another look may succeed: also with a token that was taken before, whose file may be renewed. */
function isPassing(error: unknown, wasSeen: boolean): boolean {
  if (!isNeolithError(error)) return false;
  const kind = judgeCallError(error);
  return kind === 'away' || kind === 'faulty' || (kind === 'unauthorised' && wasSeen);
}

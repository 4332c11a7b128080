import type { NeolithClient } from '@neolith/contracts';
import { describeError } from '../worker/judgeCallError.js';
import type { WorkerLog } from '../worker/log.js';
import type { ProgressListener } from './coordinator.js';
import { watchRun } from './watchRun.js';

export interface ProgressWatch {
  /** Looks at the run, for all that listen, until it is over or `signal` comes. Rejects where it can't be looked at. */
  follow(): Promise<void>;
  /** Answers how to leave. */
  listen(listener: ProgressListener): () => void;
  /** Resolves when all who listen to events have been told the last of them. */
  told(): Promise<void>;
}

/** Those who watch one run. What they throw is logged: they must not be able to end the work. */
export function watchProgress(options: {
  readonly client: NeolithClient;
  readonly runId: string;
  readonly signal: AbortSignal;
  readonly log: WorkerLog | undefined;
}): ProgressWatch {
  const { client, runId, signal, log } = options;
  const listeners = new Set<ProgressListener>();
  /** Those that tell events, which end by themselves once all are told. */
  const eventWatches = new Set<Promise<void>>();

  function guard(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      log?.warn('A listener of the progress failed', describeError(error));
    }
  }

  /** Events are told from the first one on, whenever somebody begins to listen: each has a place of its own. */
  function tellEvents(
    listener: ProgressListener,
    onEvent: NonNullable<ProgressListener['onEvent']>,
  ): () => void {
    const stopping = new AbortController();
    const onTrouble = (error: unknown) => guard(() => listener.onTrouble(error));
    const watch = watchRun({
      client,
      runId,
      signal: AbortSignal.any([stopping.signal, signal]),
      onProgress: (progress) => guard(() => listener.onProgress(progress)),
      onEvent: (event) => guard(() => onEvent(event)),
      onTrouble,
    })
      .then(() => undefined, onTrouble)
      .finally(() => eventWatches.delete(watch));
    eventWatches.add(watch);
    return () => stopping.abort(new Error('Nobody watches any more.'));
  }

  return {
    async follow() {
      const tellAll = (tell: (listener: ProgressListener) => void): void => {
        for (const listener of listeners) guard(() => tell(listener));
      };
      await watchRun({
        client,
        runId,
        signal,
        onProgress: (progress) => tellAll((listener) => listener.onProgress(progress)),
        onTrouble: (error) => tellAll((listener) => listener.onTrouble(error)),
      });
    },
    listen(listener) {
      if (listener.onEvent !== undefined) return tellEvents(listener, listener.onEvent);
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async told() {
      await Promise.all(eventWatches);
    },
  };
}

'use client';

import { useCallback, useEffect, useRef, useState } from 'react';
import { ApiProblem } from '@/lib/apiGet';
import { createCoalescer } from '@/lib/coalesce';
import type { EventJson } from '@/lib/wire';
import { useLiveFeed } from './Live';

const MIN_INTERVAL_MS = 1_000;
// Some facts change without an event: a daemon falls silent, a due date passes.
const REREAD_MS = 30_000;

interface LiveResource<T> {
  data: T;
  /** Why the last reading failed; null where it did not. */
  problem: ApiProblem | null;
  /** Changes what is shown until the next reading. */
  patch(change: (data: T) => T): void;
}

/**
 * Data that follows the event stream: read again, at most once a second, after each event that `wants` it, after a gap
 * in the stream and every half minute. `read` and `wants` may be new functions at every drawing.
 */
export function useLiveResource<T>(options: {
  initial: T;
  read(signal: AbortSignal): Promise<T>;
  wants(event: EventJson, patch: (change: (data: T) => T) => void): boolean;
}): LiveResource<T> {
  const { initial } = options;
  const { listen } = useLiveFeed();
  const [data, setData] = useState(initial);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const latest = useRef(options);
  latest.current = options;
  const request = useRef(() => {});

  const patch = useCallback((change: (current: T) => T) => setData(change), []);

  useEffect(() => {
    const abort = new AbortController();
    const coalescer = createCoalescer(async () => {
      const { read } = latest.current;
      try {
        const fresh = await read(abort.signal);
        if (abort.signal.aborted) return;
        setData(fresh);
        setProblem(null);
      } catch (error) {
        if (abort.signal.aborted) return;
        setProblem(
          error instanceof ApiProblem
            ? error
            : new ApiProblem('INTERNAL', 'The page could not be refreshed.', 500),
        );
      }
    }, MIN_INTERVAL_MS);
    request.current = coalescer.request;

    const stopListening = listen({
      onEvent: (event) => {
        if (latest.current.wants(event, patch)) coalescer.request();
      },
      onGap: coalescer.request,
    });
    const timer = setInterval(() => {
      if (!document.hidden) coalescer.request();
    }, REREAD_MS);
    return () => {
      abort.abort();
      coalescer.stop();
      clearInterval(timer);
      stopListening();
    };
  }, [listen, patch]);

  // The server rendered anew (another range was chosen): show that, and read once more, because it may already be older
  // than what the stream has brought meanwhile.
  const shown = useRef(initial);
  useEffect(() => {
    if (shown.current === initial) return;
    shown.current = initial;
    setData(initial);
    request.current();
  }, [initial]);

  return { data, problem, patch };
}

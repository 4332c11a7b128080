'use client';

import { useEffect, useState } from 'react';
import { useLiveFeed } from '@/components/live/Live';
import { apiGet } from '@/lib/apiGet';
import { createCoalescer } from '@/lib/coalesce';
import type { RankingJson } from '@/lib/wire';

/** The head of each orchestrator's queue, by its id. */
export type NextUp = Record<string, RankingJson>;

const MIN_INTERVAL_MS = 2_000;
const REREAD_MS = 30_000;
const AT_ONCE = 4;

/** Which task is next for each orchestrator; read again for those that an event touched. */
export function useNextUp(initial: NextUp): NextUp {
  const { listen } = useLiveFeed();
  const [next, setNext] = useState(initial);

  useEffect(() => {
    const abort = new AbortController();
    const known = new Set(Object.keys(initial));
    const dirty = new Set<string>();
    const readSome = async () => {
      while (dirty.size > 0 && !abort.signal.aborted) {
        const ids = [...dirty].slice(0, AT_ONCE);
        for (const id of ids) dirty.delete(id);
        const answers = await Promise.allSettled(
          ids.map((id) =>
            apiGet<RankingJson>(`/orchestrators/${encodeURIComponent(id)}/queue?limit=1`, abort.signal),
          ),
        );
        if (abort.signal.aborted) return;
        const fresh: NextUp = {};
        answers.forEach((answer, index) => {
          const id = ids[index];
          // What can't be read now keeps its last answer: the overview itself tells that the server is away.
          if (answer.status === 'fulfilled' && id !== undefined) fresh[id] = answer.value;
        });
        setNext((current) => ({ ...current, ...fresh }));
      }
    };
    const coalescer = createCoalescer(readSome, MIN_INTERVAL_MS);
    const readAll = () => {
      for (const id of known) dirty.add(id);
      coalescer.request();
    };
    const stopListening = listen({
      onEvent: (event) => {
        if (event.type === 'task.progress' || event.orchestratorId === null) return;
        known.add(event.orchestratorId);
        dirty.add(event.orchestratorId);
        coalescer.request();
      },
      onGap: readAll,
    });
    const timer = setInterval(() => {
      if (!document.hidden) readAll();
    }, REREAD_MS);
    return () => {
      abort.abort();
      coalescer.stop();
      clearInterval(timer);
      stopListening();
    };
  }, [initial, listen]);

  return next;
}

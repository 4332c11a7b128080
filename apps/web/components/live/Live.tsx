'use client';

import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { type FeedState, followEvents } from '@/lib/followEvents';
import type { EventJson } from '@/lib/wire';
import { ClockProvider } from './Clock';

export interface LiveListener {
  onEvent(event: EventJson): void;
  onGap(): void;
}

interface LiveFeed {
  state: FeedState;
  listen(listener: LiveListener): () => void;
}

const Feed = createContext<LiveFeed>({ state: 'connecting', listen: () => () => {} });

/**
 * One event stream for a page. `cursor` is the place in the stream that the page's data was read after, so that nothing
 * between the rendering on the server and the first event is missed.
 */
export function Live({ cursor, now, children }: { cursor: string; now: number; children: ReactNode }) {
  const [state, setState] = useState<FeedState>('connecting');
  const listeners = useRef(new Set<LiveListener>());
  // A later rendering by the server brings a later cursor; the stream that is open goes on from its own place.
  const first = useRef(cursor);

  useEffect(
    () =>
      followEvents(first.current, {
        onState: setState,
        onEvent: (event) => {
          for (const listener of listeners.current) listener.onEvent(event);
        },
        onGap: () => {
          for (const listener of listeners.current) listener.onGap();
        },
      }),
    [],
  );

  const listen = useCallback((listener: LiveListener) => {
    listeners.current.add(listener);
    return () => {
      listeners.current.delete(listener);
    };
  }, []);
  const feed = useMemo(() => ({ state, listen }), [state, listen]);

  return (
    <Feed value={feed}>
      <ClockProvider now={now}>{children}</ClockProvider>
    </Feed>
  );
}

export function useLiveFeed(): LiveFeed {
  return useContext(Feed);
}

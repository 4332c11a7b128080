import { EVENT_LOOK } from './eventLook';
import type { EventJson } from './wire';

/** `paused`: nobody looks at the page. */
export type FeedState = 'connecting' | 'live' | 'reconnecting' | 'paused';

export interface FeedHandlers {
  onEvent(event: EventJson): void;
  onState(state: FeedState): void;
  /** The place in the stream was lost: what is shown must be read afresh. */
  onGap(): void;
}

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 15_000;
const FAILURES_UNTIL_GAP = 3;

/**
 * Follows the workspace's event stream after a cursor until stopped: reconnects by itself from the last event seen,
 * and lets go of the connection while the page is hidden, because a browser grants one host six connections over all
 * its tabs, and a seventh tab would wait for ever.
 */
export function followEvents(cursor: string | null, handlers: FeedHandlers): () => void {
  let place = cursor;
  let source: EventSource | null = null;
  let retry: ReturnType<typeof setTimeout> | null = null;
  let failures = 0;
  let stopped = false;

  const receive = (message: MessageEvent<string>) => {
    if (message.lastEventId !== '') place = message.lastEventId;
    let event: EventJson;
    try {
      event = JSON.parse(message.data) as EventJson;
    } catch {
      // A line that is no event of ours says nothing about what was missed: read everything again.
      handlers.onGap();
      return;
    }
    if (typeof event.cursor === 'string') place = event.cursor;
    handlers.onEvent(event);
  };

  const disconnect = () => {
    if (retry !== null) clearTimeout(retry);
    retry = null;
    source?.close();
    source = null;
  };

  const fail = () => {
    disconnect();
    failures += 1;
    if (failures === FAILURES_UNTIL_GAP) {
      // The server may no longer know this place (a restored database); go on from wherever it stands now.
      place = null;
    }
    handlers.onState('reconnecting');
    retry = setTimeout(connect, Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1)));
  };

  const connect = () => {
    if (stopped || document.hidden) return;
    disconnect();
    const query = place === null ? '' : `?cursor=${encodeURIComponent(place)}`;
    const opened = new EventSource(`/api/v1/events${query}`);
    source = opened;
    opened.onopen = () => {
      if (place === null) handlers.onGap();
      failures = 0;
      handlers.onState('live');
    };
    opened.onerror = fail;
    opened.onmessage = receive;
    for (const type of Object.keys(EVENT_LOOK)) opened.addEventListener(type, receive);
    opened.addEventListener('reset', (message: MessageEvent<string>) => {
      place = message.lastEventId === '' ? null : message.lastEventId;
      handlers.onGap();
    });
  };

  const onVisibility = () => {
    if (document.hidden) {
      disconnect();
      handlers.onState('paused');
    } else if (source === null) {
      handlers.onState('connecting');
      connect();
    }
  };

  // A network that is gone leaves the open stream silent for minutes; a server on this very machine is still there.
  const onOffline = () => {
    if (source !== null) fail();
  };
  const onOnline = () => {
    if (retry !== null) connect();
  };

  document.addEventListener('visibilitychange', onVisibility);
  window.addEventListener('offline', onOffline);
  window.addEventListener('online', onOnline);
  handlers.onState(document.hidden ? 'paused' : 'connecting');
  connect();
  return () => {
    stopped = true;
    document.removeEventListener('visibilitychange', onVisibility);
    window.removeEventListener('offline', onOffline);
    window.removeEventListener('online', onOnline);
    disconnect();
  };
}

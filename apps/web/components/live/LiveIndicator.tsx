'use client';

import type { FeedState } from '@/lib/followEvents';
import { useLiveFeed } from './Live';

const LOOK: Record<FeedState, { label: string; title: string; dot: string }> = {
  connecting: { label: 'Connecting', title: 'Opening the event stream', dot: 'bg-mute-fill' },
  live: { label: 'Live', title: 'Changes appear by themselves', dot: 'bg-good-fill animate-breathe' },
  reconnecting: {
    label: 'Reconnecting',
    title: 'The event stream broke off; trying again. What is shown may be old.',
    dot: 'bg-warn-fill',
  },
  paused: { label: 'Paused', title: 'Paused while the page is hidden', dot: 'bg-mute-fill' },
};

/** Whether the page follows the engine. It stands at the right end of its line, so a longer word moves nothing. */
export function LiveIndicator() {
  const { state } = useLiveFeed();
  const look = LOOK[state];
  return (
    <span
      role="status"
      title={look.title}
      data-live={state}
      className="ml-auto inline-flex items-center gap-2 rounded-full border border-line bg-surface px-3 py-1 text-xs font-medium text-ink-soft"
    >
      <span aria-hidden className={`size-2 rounded-full ${look.dot}`} />
      {look.label}
    </span>
  );
}

import type { EngineEvent } from '@neolith/contracts';

export interface EventSubscription {
  /** Only this workspace's events; null for all. */
  workspaceId: string | null;
  /** Called with events in order, each once; never concurrently for one subscription. */
  onEvents(events: readonly EngineEvent[]): void;
}

/**
 * One reader of the event table for a whole process: it follows the table's end and hands every event to its
 * subscribers. It is woken by this process's own commits and by NOTIFY, and looks by itself every second beneath.
 */
export interface EventFollower {
  /** Events committed after this call are delivered; returns the way to stop, and the cursor from which. */
  subscribe(subscription: EventSubscription): Promise<{ cursor: string; stop(): void }>;
  /** Says that events were committed, so that nobody waits for the next look. Cheap; coalesced. */
  poke(): void;
  close(): Promise<void>;
}

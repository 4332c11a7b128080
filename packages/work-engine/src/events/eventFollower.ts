import type { EngineEvent } from '@neolith/contracts';

export interface EventSubscription {
  /** Only this workspace's events; null for all. */
  workspaceId: string | null;
  /** Called with events in order, each once; never concurrently for one subscription. */
  onEvents(events: readonly EngineEvent[]): void;
  /**
   * Called before that where a commit of this process itself says for which orchestrators it made work: whoever waits
   * for it need not wait for the events to be read. They come all the same.
   */
  onWork?(orchestratorIds: ReadonlySet<string>): void;
}

/**
 * One reader of the event table for a whole process: it follows the table's end and hands every event to its
 * subscribers. It is woken by this process's own commits and by NOTIFY, and looks by itself every second beneath.
 */
export interface EventFollower {
  /** Events committed after this call are delivered; returns the way to stop, and the cursor from which. */
  subscribe(subscription: EventSubscription): Promise<{ cursor: string; stop(): void }>;
  /**
   * Says that events were committed, so that nobody waits for the next look, and, where it is known, for which
   * orchestrators they made work. Cheap; coalesced.
   */
  poke(workFor?: ReadonlySet<string>): void;
  close(): Promise<void>;
}

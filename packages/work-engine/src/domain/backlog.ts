import type { Backlog, TaskPriority } from '@neolith/contracts';

export type BacklogPlace = 'ready' | 'delayed' | 'blocked';

export function emptyBacklog(): Backlog {
  return {
    total: 0,
    ready: 0,
    delayed: 0,
    blocked: 0,
    byPriority: { CRITICAL: 0, HIGH: 0, MEDIUM: 0, LOW: 0 },
  };
}

/** Adds so many open tasks of one place and priority. */
export function addToBacklog(
  backlog: Backlog,
  place: BacklogPlace,
  priority: TaskPriority,
  amount: number,
): Backlog {
  return {
    ...backlog,
    total: backlog.total + amount,
    [place]: backlog[place] + amount,
    byPriority: { ...backlog.byPriority, [priority]: backlog.byPriority[priority] + amount },
  };
}

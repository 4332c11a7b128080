import type { QueueFigures, WorkEngine } from '@neolith/work-engine';

/** A scrape within this time of another is given the same figures; several Prometheus servers cost as much as one. */
const KEPT_MS = 10_000;
const WORKSPACES_KEPT = 100;

export interface DatedFigures {
  readonly figures: QueueFigures;
  /** `performance.now()` when they were asked for. */
  readonly readMs: number;
}

const kept = new Map<string, { readonly startedMs: number; readonly reading: Promise<DatedFigures> }>();

/**
 * The figures of a workspace's queues, at most ten seconds old. Who asks while they are being read gets the same; what
 * fails is not kept.
 */
export function readFigures(engine: WorkEngine, workspaceId: string): Promise<DatedFigures> {
  const nowMs = performance.now();
  const known = kept.get(workspaceId);
  if (known !== undefined && nowMs - known.startedMs < KEPT_MS) return known.reading;
  const reading = engine.readQueueFigures().then((figures) => ({ figures, readMs: nowMs }));
  const entry = { startedMs: nowMs, reading };
  kept.delete(workspaceId);
  if (kept.size >= WORKSPACES_KEPT) kept.delete(kept.keys().next().value as string);
  kept.set(workspaceId, entry);
  reading.catch(() => {
    if (kept.get(workspaceId) === entry) kept.delete(workspaceId);
  });
  return reading;
}

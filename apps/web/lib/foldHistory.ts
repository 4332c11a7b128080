import type { EventJson } from './wire';

/** An event, and the progress reports right before it that it stands for (newest first). */
export interface HistoryEntry {
  event: EventJson;
  earlier: EventJson[];
}

/** The history newest first, each row of progress reports folded into its last one. */
export function foldHistory(history: readonly EventJson[]): HistoryEntry[] {
  const entries: HistoryEntry[] = [];
  for (let index = history.length - 1; index >= 0; index -= 1) {
    const event = history[index];
    if (event === undefined) continue;
    const above = entries.at(-1);
    if (
      event.type === 'task.progress' &&
      above?.event.type === 'task.progress' &&
      above.event.attemptId === event.attemptId
    ) {
      above.earlier.push(event);
    } else {
      entries.push({ event, earlier: [] });
    }
  }
  return entries;
}

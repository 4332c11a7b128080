import type { DraftTask } from './planReader.js';

const namedMax = 20;

/** `a (line 3) → b (line 7) → a (line 3)`; the middle of a long path is left out, and says how much. */
export function describePath(tasks: readonly DraftTask[], circle: readonly number[]): string {
  const names = [...circle, ...circle.slice(0, 1)].map((index) => {
    const task = tasks[index];
    return task === undefined ? String(index) : `${task.sourceId} (line ${task.at.line})`;
  });
  const half = namedMax / 2;
  const shown =
    names.length <= namedMax
      ? names
      : [
          ...names.slice(0, half),
          `… ${(names.length - namedMax).toLocaleString('en-US')} more …`,
          ...names.slice(-half),
        ];
  return shown.join(' → ');
}

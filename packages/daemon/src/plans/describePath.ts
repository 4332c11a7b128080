import type { PlanPosition } from './planProblem.js';
import type { DraftTask } from './planReader.js';

const namedMax = 20;

/** `a (line 3) → b (line 7) → a (line 3)`; the middle of a long path is left out, and says how much. */
export function describePath(tasks: readonly DraftTask[], circle: readonly number[]): string {
  return describePlaces(
    circle.flatMap((index) => {
      const task = tasks[index];
      return task === undefined ? [] : [{ name: task.sourceId, at: task.at }];
    }),
  );
}

/** The same for anything that has a name and a place; the circle is closed by its first member. */
export function describePlaces(
  circle: readonly { readonly name: string; readonly at: PlanPosition }[],
): string {
  const isOneFile = circle.every(({ at }) => at.file === circle[0]?.at.file);
  const names = [...circle, ...circle.slice(0, 1)].map(
    ({ name, at }) => `${name} (${isOneFile ? '' : `${at.file} `}line ${at.line})`,
  );
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

/** Where something stands, as said in a message about `seenFrom`: the file is named if it is another one. */
export function describePlace(at: PlanPosition, seenFrom: PlanPosition): string {
  return at.file === seenFrom.file ? `line ${at.line}` : `${at.file} line ${at.line}`;
}

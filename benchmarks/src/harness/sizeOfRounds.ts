/** Rounds last about so long: short enough to interleave, long enough that starting and ending don't count. */
const ROUND_MS = 500;
const TASKS_AT_LEAST = 1_000;
const TASKS_AT_MOST = 40_000;
const TASKS_IN_THE_FIRST = 2_000;

/** How many tasks the next round has, for a contestant that did so many a second in the last one; null: none yet. */
export function sizeOfRound(tasksPerSecond: number | null): number {
  if (tasksPerSecond === null) return TASKS_IN_THE_FIRST;
  const wanted = (tasksPerSecond * ROUND_MS) / 1_000;
  return Math.round(Math.min(TASKS_AT_MOST, Math.max(TASKS_AT_LEAST, wanted)) / 1_000) * 1_000;
}

/**
 * How many slots are taken. Pure. A task whose code is complete leaves its slot to the next one; but each waiting merge
 * is work that is lost when this daemon dies, so beyond `mergesAside` of them they take slots again.
 */
export function countTaken(
  attempts: Iterable<{ readonly holdsSlot: () => boolean }>,
  mergesAside: number,
): number {
  let working = 0;
  let merging = 0;
  for (const attempt of attempts) {
    if (attempt.holdsSlot()) working += 1;
    else merging += 1;
  }
  return working + Math.max(0, merging - mergesAside);
}

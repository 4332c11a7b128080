/** Numbers in [0, 1) that are the same for the same seed. */
export type Random = () => number;

/** A seeded generator (xorshift, 32 bits): good enough to choose faults with, and repeatable. */
export function seededRandom(seed: number): Random {
  // Neighbouring seeds must not begin alike, and the state must never be 0.
  let state = Math.imul(seed + 1, 2_654_435_761) | 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  for (let round = 0; round < 8; round += 1) next();
  return next;
}

/** A whole number from `min` to `max`, both included. */
export function whole(random: Random, min: number, max: number): number {
  return min + Math.floor(random() * (max - min + 1));
}

export function shuffle<T>(random: Random, items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

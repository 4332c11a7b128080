/** Everything that a story leaves open is drawn from one of these; the same seed draws the same. */
export interface Random {
  /** Evenly from [0, 1). */
  next(): number;
  /** A whole number from 0 to below − 1. */
  int(below: number): number;
  chance(probability: number): boolean;
  /** Undefined where there is none. */
  pick<Item>(items: readonly Item[]): Item | undefined;
  /** One of the names, each as often as its weight says. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name;
  /** One of its own, so that drawing more here doesn't change what is drawn there. */
  fork(): Random;
}

/** @param seed a whole number; neighbouring seeds have nothing in common. Mulberry32, after Tommy Ettinger. */
export function createRandom(seed: number): Random {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const random: Random = {
    next,
    int: (below) => Math.floor(next() * below),
    chance: (probability) => next() < probability,
    pick: (items) => items[Math.floor(next() * items.length)],
    weighted(weights) {
      const entries = Object.entries(weights) as [keyof typeof weights, number][];
      let left = next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [name, weight] of entries) {
        left -= weight;
        if (left < 0) return name;
      }
      return (entries[entries.length - 1] as (typeof entries)[number])[0];
    },
    fork: () => createRandom(Math.floor(next() * 2 ** 32)),
  };
  return random;
}

/**
 * Random numbers in [0, 1) that are the same for the same seed on every machine (the public-domain generator
 * mulberry32: 32 bits of state). For test data only, never for secrets.
 */
export function createRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A 32-bit number from a seed and a text (FNV-1a over UTF-16 units). */
export function mixSeed(seed: number, text: string): number {
  let hash = (seed | 0) ^ 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash;
}

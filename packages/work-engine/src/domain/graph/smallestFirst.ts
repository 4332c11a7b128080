/**
 * A set of the numbers 0 … capacity-1 that hands out its smallest first. A tree of bitmaps: each bit of a level says
 * whether the word of 32 bits below it holds anything, so adding and taking touch one word a level, four levels for a
 * million; a binary heap compares and swaps about twenty times.
 */
export class SmallestFirst {
  readonly #levels: Int32Array[] = [];

  constructor(capacity: number) {
    let words = capacity;
    do {
      words = Math.ceil(words / 32);
      this.#levels.push(new Int32Array(Math.max(words, 1)));
    } while (words > 1);
  }

  add(number: number): void {
    let bit = number;
    for (const level of this.#levels) {
      const word = bit >>> 5;
      const before = level[word] as number;
      level[word] = before | (1 << (bit & 31));
      if (before !== 0) return;
      bit = word;
    }
  }

  /** Takes the smallest out; -1 when the set is empty. */
  take(): number {
    let smallest = 0;
    for (let depth = this.#levels.length - 1; depth >= 0; depth -= 1) {
      const bits = this.#levels[depth]?.[smallest] as number;
      if (bits === 0) return -1;
      smallest = smallest * 32 + (31 - Math.clz32(bits & -bits));
    }
    this.#remove(smallest);
    return smallest;
  }

  #remove(number: number): void {
    let bit = number;
    for (const level of this.#levels) {
      const word = bit >>> 5;
      const left = (level[word] as number) & ~(1 << (bit & 31));
      level[word] = left;
      if (left !== 0) return;
      bit = word;
    }
  }
}

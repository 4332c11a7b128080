/**
 * Which node an id belongs to, for up to millions of ids. A Map of texts follows four or five pointers for each look-up, and
 * among millions each of them misses the processor's caches; here it is one place in a flat table that holds the hash
 * beside the node, and the text itself only where the hash is the same. Open addressing, linear probing, at most half full.
 */
export class IdTable {
  readonly ids: string[] = [];
  /** Two numbers a slot: hash, and node + 1; a slot of node 0 is empty. */
  #slots = new Int32Array(2 * 16);
  #mask = 15;
  /** Nobody can make up ids that all fall into one place. It decides nothing else: no answer depends on it. */
  readonly #seed = Math.trunc(Math.random() * 2 ** 32);

  /** The node of an id, -1 when there is none. */
  indexOf(id: string): number {
    const slot = this.#find(id, hashOf(id, this.#seed));
    return (this.#slots[slot + 1] as number) - 1;
  }

  /** Gives a new id the next node; false: it has one already. */
  add(id: string): boolean {
    const hash = hashOf(id, this.#seed);
    const slot = this.#find(id, hash);
    if (this.#slots[slot + 1] !== 0) return false;
    this.ids.push(id);
    this.#slots[slot] = hash;
    this.#slots[slot + 1] = this.ids.length;
    if (this.ids.length * 2 > this.#mask) this.#grow();
    return true;
  }

  /** Where an id stands, or would. */
  #find(id: string, hash: number): number {
    const slots = this.#slots;
    const { ids } = this;
    for (let place = hash & this.#mask; ; place = (place + 1) & this.#mask) {
      const slot = place * 2;
      const node = slots[slot + 1] as number;
      if (node === 0 || (slots[slot] === hash && ids[node - 1] === id)) return slot;
    }
  }

  #grow(): void {
    const before = this.#slots;
    this.#mask = this.#mask * 4 + 3;
    this.#slots = new Int32Array(2 * (this.#mask + 1));
    const slots = this.#slots;
    for (let old = 0; old < before.length; old += 2) {
      const node = before[old + 1] as number;
      if (node === 0) continue;
      const hash = before[old] as number;
      let place = hash & this.#mask;
      while (slots[place * 2 + 1] !== 0) place = (place + 1) & this.#mask;
      slots[place * 2] = hash;
      slots[place * 2 + 1] = node;
    }
  }
}

/** FNV-1a over UTF-16 units (Fowler, Noll, Vo) from a seed, and the finish of MurmurHash3, so that the low bits depend on all of it. */
function hashOf(text: string, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

const comparedMax = 5_000;
const searchesMax = 50;

/**
 * Makes a function that says which id may have been meant by an unknown one: `; did you mean "T1"?`, or an empty
 * text. Spelling is forgiven at once; slips of one or two letters are looked for in the first cases only, and not
 * among more than 5,000 ids, so that a file full of unknown ids is still read in linear time.
 */
export function createSuggester(listIds: () => readonly string[]): (id: string) => string {
  let index: { readonly ids: readonly string[]; readonly plain: ReadonlyMap<string, string> } | null = null;
  let searches = 0;
  return (id) => {
    index ??= makeIndex(listIds());
    const wanted = toPlain(id);
    if (wanted === '') return '';
    const same = index.plain.get(wanted);
    const near = same ?? findNear(index.ids, wanted);
    return near === null ? '' : `; did you mean ${JSON.stringify(near)}?`;
  };

  function findNear(ids: readonly string[], wanted: string): string | null {
    if (ids.length > comparedMax || searches === searchesMax || wanted.length < 3) return null;
    searches += 1;
    let best: string | null = null;
    let bestDistance = wanted.length < 5 ? 2 : 3;
    for (const id of ids) {
      // T1 and T2 differ by one character and mean two things.
      if (toDigits(id) !== toDigits(wanted)) continue;
      const distance = measureDistance(toPlain(id), wanted, bestDistance);
      if (distance < bestDistance) {
        best = id;
        bestDistance = distance;
      }
    }
    return best;
  }
}

function makeIndex(ids: readonly string[]) {
  const plain = new Map<string, string>();
  // The first of several that differ in spelling only.
  for (const id of ids) if (!plain.has(toPlain(id))) plain.set(toPlain(id), id);
  return { ids, plain };
}

function toPlain(id: string): string {
  return id
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '')
    .slice(0, 200);
}

function toDigits(id: string): string {
  return id.replace(/\D/g, '');
}

/** Letters to insert, remove or replace to make `b` of `a`; at least `limit` when it is that or more. */
function measureDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    if (Math.min(...current) >= limit) return limit;
    previous = current;
  }
  return previous[b.length] ?? limit;
}

/**
 * Whether there is a path that both globs mean. Exact, for globs made of `**` (any number of whole parts, none too), `*` (any
 * characters within a part), `?` (one character within a part) and characters that stand for themselves. Parts of paths are
 * never empty. The database decides the same way in `globs_overlap`.
 */
export function overlaps(one: string, other: string): boolean {
  return meet(one.split('/'), other.split('/'), '**', (part, otherPart) =>
    meet([...part], [...otherPart], '*', (a, b) => a === '?' || b === '?' || a === b),
  );
}

/**
 * Whether two patterns have a common word. `any` in either stands for any number of letters; `fits` says whether two other
 * letters can be the same. Looks at each pair of places once: cost is the product of the lengths.
 */
function meet(
  one: readonly string[],
  other: readonly string[],
  any: string,
  fits: (a: string, b: string) => boolean,
): boolean {
  // after[j]: whether what follows place i in one, and place j in other, have a common word; from the end backwards.
  let after: boolean[] = [];
  for (let i = one.length; i >= 0; i -= 1) {
    const here: boolean[] = [];
    for (let j = other.length; j >= 0; j -= 1) {
      const a = one[i];
      const b = other[j];
      if (a === any) here[j] = after[j] === true || (b !== undefined && here[j + 1] === true);
      else if (b === any) here[j] = here[j + 1] === true || (a !== undefined && after[j] === true);
      else if (a === undefined || b === undefined) here[j] = a === b;
      else here[j] = after[j + 1] === true && fits(a, b);
    }
    after = here;
  }
  return after[0] === true;
}

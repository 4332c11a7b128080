/** Finds a task by its id however it is written: in any case, without its prefix, with or without leading zeros. */
export function createBacklogIds(ids: readonly string[]): (written: string) => string | null {
  const exact = new Map<string, string>();
  const byNumber = new Map<string, string | null>();
  for (const id of ids) {
    const key = toKey(id);
    if (!exact.has(key)) exact.set(key, id);
    const number = key.replace(/^\D*-/, '');
    // A number that two tasks share names neither.
    byNumber.set(number, byNumber.has(number) && byNumber.get(number) !== id ? null : id);
  }
  return (written) => {
    const key = toKey(written);
    return exact.get(key) ?? (/^\d/.test(key) ? (byNumber.get(key) ?? null) : null);
  };
}

function toKey(id: string): string {
  return id
    .trim()
    .toLowerCase()
    .replace(/(?<!\d)0+(?=\d)/g, '');
}

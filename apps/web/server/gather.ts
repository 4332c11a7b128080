interface Waiting<Key, Value> {
  key: Key;
  resolve(value: Value | Promise<Value>): void;
  reject(error: unknown): void;
}

/**
 * Makes one look-up of many: calls that come while one is under way go together in the next. A lone call goes at once,
 * for there is no timer. What is read is read after the call came in, never before.
 *
 * @param read answers the keys in their order, with promises where each has a fate of its own; its fault is every call's
 * @param limit keys at most in one look-up
 */
export function gather<Key, Value>(
  read: (keys: readonly Key[]) => Promise<readonly (Value | Promise<Value>)[]>,
  limit = 500,
): (key: Key) => Promise<Value> {
  let queue: Waiting<Key, Value>[] = [];
  let busy = false;

  async function drive(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.slice(0, limit);
      queue = queue.slice(limit);
      try {
        const values = await read(batch.map(({ key }) => key));
        batch.forEach(({ resolve }, index) => {
          resolve(values[index] as Value | Promise<Value>);
        });
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    busy = false;
  }

  return (key) =>
    new Promise<Value>((resolve, reject) => {
      queue.push({ key, resolve, reject });
      if (busy) return;
      busy = true;
      // Not in this turn: whatever else comes in with it goes along.
      queueMicrotask(() => void drive());
    });
}

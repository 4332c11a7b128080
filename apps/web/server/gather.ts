import { createLane } from '@neolith/work-engine/lane';

/**
 * Makes one look-up of many: calls that come while one is under way go together in the next. A lone call goes at once,
 * for there is no timer. What is read is read after the call came in, never before. Where too many
 * wait already a call is refused: OVERLOADED.
 *
 * @param read answers the keys in their order, with promises where each has a fate of its own; its fault is every call's
 * @param limit keys at most in one look-up
 */
export function gather<Key, Value>(
  read: (keys: readonly Key[]) => Promise<(Value | Promise<Value>)[]>,
  limit = 500,
): (key: Key) => Promise<Value> {
  const lane = createLane<Key, Value | Promise<Value>>({
    batchLimit: () => limit,
    run: read,
    mayBeOneCalls: () => false,
  });
  return async (key) => lane.submit(key);
}

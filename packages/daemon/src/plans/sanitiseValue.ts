import { sanitiseText } from './sanitiseText.js';

/**
 * Replaces unsafe characters in all keys and texts of a parsed JSON value, in place, and removes every key
 * `__proto__`. Says whether anything changed. Iterative; the value must not hold itself.
 */
export function sanitiseValue(root: Record<string, unknown>): boolean {
  let changed = false;
  const stack: object[] = [root];
  for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
    for (const [key, child] of Object.entries(value)) {
      if (key === '__proto__') {
        Reflect.deleteProperty(value, key);
        changed = true;
        continue;
      }
      const safeKey = sanitiseText(key);
      const safeChild = typeof child === 'string' ? sanitiseText(child) : child;
      if (safeKey !== key) Reflect.deleteProperty(value, key);
      if (safeKey !== key || safeChild !== child) {
        Reflect.set(value, safeKey, safeChild);
        changed = true;
      }
      if (typeof safeChild === 'object' && safeChild !== null) stack.push(safeChild);
    }
  }
  return changed;
}

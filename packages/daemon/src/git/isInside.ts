import { sep } from 'node:path';

/** Whether `inner` is `outer` or lies below it; both absolute, without links. */
export function isInside(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : `${outer}${sep}`);
}

import type { ResourceUse } from '@neolith/contracts';
import { overlaps } from './overlaps.js';

const PATH = 'path:';

/** Whether two uses can't be at once: one of them is exclusive, and they mean the same, or paths that overlap. */
export function conflicts(one: ResourceUse, other: ResourceUse): boolean {
  if (one.mode === 'shared' && other.mode === 'shared') return false;
  if (one.resource === other.resource) return true;
  return (
    one.resource.startsWith(PATH) &&
    other.resource.startsWith(PATH) &&
    overlaps(one.resource.slice(PATH.length), other.resource.slice(PATH.length))
  );
}

/** Of `wanted` and `held` the first two that can't be at once. */
export function findConflict(
  wanted: readonly ResourceUse[],
  held: readonly ResourceUse[],
): { wanted: ResourceUse; held: ResourceUse } | null {
  for (const use of wanted) {
    const obstacle = held.find((other) => conflicts(use, other));
    if (obstacle !== undefined) return { wanted: use, held: obstacle };
  }
  return null;
}

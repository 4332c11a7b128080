import type { PlanPriority } from '@neolith/contracts';

/** Words for priorities as people and other systems write them, in small letters. */
export const priorityWords: ReadonlyMap<string, PlanPriority> = new Map([
  ['critical', 'CRITICAL'],
  ['urgent', 'CRITICAL'],
  ['highest', 'CRITICAL'],
  ['blocker', 'CRITICAL'],
  ['p0', 'CRITICAL'],
  ['high', 'HIGH'],
  ['p1', 'HIGH'],
  ['medium', 'MEDIUM'],
  ['normal', 'MEDIUM'],
  ['p2', 'MEDIUM'],
  ['low', 'LOW'],
  ['lowest', 'LOW'],
  ['minor', 'LOW'],
  ['p3', 'LOW'],
  ['p4', 'LOW'],
]);

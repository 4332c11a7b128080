import type { ResourceBoard, ResourceUse } from '@neolith/contracts';

/** The only paths there are, for those who decide by looking at each. */
const PATHS = ['s', 's/a', 's/b', 's/a/x', 's/b/x', 't', 't/a'];

/** What tests ask for; over `PATHS` each glob means what it means over all paths. */
export const USES = [
  'A',
  'B',
  'shared A',
  'shared B',
  'path:s/**',
  'path:s/a/x',
  'shared path:s/*',
  'path:*/a',
  'shared path:**',
];

function means(glob: string): string[] {
  const parts = glob
    .split('/')
    .map((part) => (part === '**' ? '(?:[^/]+/)*' : `${part.replaceAll('*', '[^/]*')}/`));
  const pattern = new RegExp(`^${parts.join('')}$`);
  return PATHS.filter((path) => pattern.test(`${path}/`));
}

/** Whether two uses can't be at once, by looking at every path. */
export function clash(one: ResourceUse, other: ResourceUse): boolean {
  if (one.mode === 'shared' && other.mode === 'shared') return false;
  if (one.resource === other.resource) return true;
  if (!one.resource.startsWith('path:') || !other.resource.startsWith('path:')) return false;
  const paths = means(one.resource.slice(5));
  return means(other.resource.slice(5)).some((path) => paths.includes(path));
}

export const clashAny = (some: readonly ResourceUse[], others: readonly ResourceUse[]): boolean =>
  some.some((one) => others.some((other) => clash(one, other)));

/** What is held and waited for, by attempt. */
export interface Situation {
  readonly held: ReadonlyMap<string, readonly ResourceUse[]>;
  /** Attempts that ask for more, first who asked first. */
  readonly asked: ReadonlyMap<string, readonly ResourceUse[]>;
}

export function read(board: ResourceBoard): Situation {
  const held = new Map<string, ResourceUse[]>();
  for (const { attemptId, resource, mode } of board.holds)
    held.set(attemptId, [...(held.get(attemptId) ?? []), { resource, mode }]);
  const asked = new Map<string, ResourceUse[]>();
  for (const { attemptId, resources } of board.waits) if (attemptId !== null) asked.set(attemptId, resources);
  return { held, asked };
}

/** Whom an attempt waits for: those that hold what it asks for. */
export function holdersBefore({ held, asked }: Situation, attemptId: string): string[] {
  const wanted = asked.get(attemptId) ?? [];
  return [...held]
    .filter(([other, uses]) => other !== attemptId && clashAny(wanted, uses))
    .map(([other]) => other);
}

/** Those that asked earlier for what clashes with it. */
export function askersBefore({ asked }: Situation, attemptId: string): string[] {
  const wanted = asked.get(attemptId) ?? [];
  const order = [...asked.keys()];
  return order.slice(0, order.indexOf(attemptId)).filter((other) => clashAny(wanted, asked.get(other) ?? []));
}

/** Whether `from` waits for `to`, by way of whoever holds what those between ask for. */
export function waitsFor(situation: Situation, from: string, to: string, seen = new Set<string>()): boolean {
  if (seen.has(from)) return false;
  seen.add(from);
  const next = [...holdersBefore(situation, from), ...askersBefore(situation, from)];
  return next.some((other) => other === to || waitsFor(situation, other, to, seen));
}

/** What must hold at any time, as sentences about where it doesn't. */
export function findBreaches(situation: Situation, live: ReadonlySet<string>): string[] {
  const { held, asked } = situation;
  const breaches: string[] = [];
  const holders = [...held];
  for (const [n, [one, uses]] of holders.entries())
    for (const [other, others] of holders.slice(n + 1))
      if (clashAny(uses, others)) breaches.push(`${one} and ${other} hold what clashes`);
  for (const attemptId of [...held.keys(), ...asked.keys()])
    if (!live.has(attemptId)) breaches.push(`${attemptId} is over, and holds or waits`);
  for (const attemptId of asked.keys()) {
    if (holdersBefore(situation, attemptId).length === 0 && askersBefore(situation, attemptId).length === 0)
      breaches.push(`${attemptId} waits for nobody`);
    if (isInCircle(situation, attemptId)) breaches.push(`${attemptId} waits in a circle`);
  }
  return breaches;
}

/** Whether those who hold what it asks for wait for it, or for one another. */
function isInCircle(situation: Situation, attemptId: string, path: readonly string[] = []): boolean {
  if (path.includes(attemptId)) return true;
  if (!situation.asked.has(attemptId)) return false;
  return holdersBefore(situation, attemptId).some((other) =>
    isInCircle(situation, other, [...path, attemptId]),
  );
}

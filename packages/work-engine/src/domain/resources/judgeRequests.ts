import type { ResourceUse } from '@neolith/contracts';
import { findConflict } from './conflicts.js';

/** A live attempt and what it holds. */
export interface Holder {
  attemptId: string;
  taskId: string;
  uses: readonly ResourceUse[];
}

/** A live attempt that asks for more. */
export interface Asker extends Holder {
  since: Date;
  /** Of its task, now. */
  score: number;
  claimedAt: Date;
}

/** What stands in the way of an asker: an attempt that holds, or one that asked earlier. */
export interface Obstacle {
  attemptId: string;
  taskId: string;
  use: ResourceUse;
  holds: boolean;
}

export interface Judgement {
  /** Attempts that get all they ask for, in order. */
  granted: string[];
  /** Each waits for the next, and the last for the first; `givesWay` is one of them. */
  deadlocks: { cycle: string[]; givesWay: string }[];
  /** Of those who go on waiting. */
  waiting: Map<string, Obstacle[]>;
}

/**
 * Who gets what, and who gives way. Pure.
 *
 * Askers come first who came first: one gets what it asks for when nobody else holds what conflicts with it, and nobody who
 * asked earlier waits for it. Who asked earlier but waits itself for this asker doesn't count: it couldn't have it anyway.
 * Where attempts wait for one another in a circle, the one with the lowest score gives way; of equal ones the one that was
 * claimed last, then the one with the greater id. It asks no more then; what it holds is free when its attempt has ended.
 */
export function judgeRequests(holders: readonly Holder[], askers: readonly Asker[]): Judgement {
  const held = new Map(holders.map((holder) => [holder.attemptId, holder]));
  let asking = [...askers].sort((a, b) => byTime(a.since, b.since) || (a.attemptId < b.attemptId ? -1 : 1));
  const judgement: Judgement = { granted: [], deadlocks: [], waiting: new Map() };
  for (;;) {
    const waiting = findObstacles([...held.values()], asking);
    const free = asking.find((asker) => waiting.get(asker.attemptId)?.length === 0);
    if (free !== undefined) {
      const before = held.get(free.attemptId)?.uses ?? [];
      held.set(free.attemptId, { ...free, uses: [...before, ...free.uses] });
      asking = asking.filter((asker) => asker !== free);
      judgement.granted.push(free.attemptId);
      continue;
    }
    const cycle = findCycle(asking, waiting);
    if (cycle === null) return { ...judgement, waiting };
    const inCycle = asking.filter(({ attemptId }) => cycle.includes(attemptId));
    const [givesWay] = inCycle.sort(
      (a, b) => a.score - b.score || byTime(b.claimedAt, a.claimedAt) || (a.attemptId > b.attemptId ? -1 : 1),
    ) as [Asker, ...Asker[]];
    asking = asking.filter((asker) => asker !== givesWay);
    judgement.deadlocks.push({ cycle, givesWay: givesWay.attemptId });
  }
}

function byTime(a: Date, b: Date): number {
  return a.getTime() - b.getTime();
}

function findObstacles(holders: readonly Holder[], asking: readonly Asker[]): Judgement['waiting'] {
  const waiting: Judgement['waiting'] = new Map();
  const obstacle = (asker: Asker, other: Holder, holds: boolean): Obstacle[] => {
    if (other.attemptId === asker.attemptId) return [];
    const conflict = findConflict(asker.uses, other.uses);
    return conflict === null
      ? []
      : [{ attemptId: other.attemptId, taskId: other.taskId, use: conflict.held, holds }];
  };
  for (const asker of asking)
    waiting.set(
      asker.attemptId,
      holders.flatMap((holder) => obstacle(asker, holder, true)),
    );
  for (const [index, asker] of asking.entries()) {
    const own = waiting.get(asker.attemptId) as Obstacle[];
    for (const earlier of asking.slice(0, index)) {
      if (own.some(({ attemptId }) => attemptId === earlier.attemptId)) continue;
      if (!reaches(waiting, earlier.attemptId, asker.attemptId)) own.push(...obstacle(asker, earlier, false));
    }
  }
  return waiting;
}

function reaches(waiting: Judgement['waiting'], from: string, to: string): boolean {
  const seen = new Set([from]);
  const open = [from];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const { attemptId } of waiting.get(at) ?? []) {
      if (attemptId === to) return true;
      if (!seen.has(attemptId)) open.push(attemptId);
      seen.add(attemptId);
    }
  }
  return false;
}

/** A circle of waiting, each for the next; null: there is none. */
function findCycle(asking: readonly Asker[], waiting: Judgement['waiting']): string[] | null {
  const done = new Set<string>();
  for (const { attemptId: start } of asking) {
    const path: string[] = [];
    const visit = (at: string): string[] | null => {
      const place = path.indexOf(at);
      if (place >= 0) return path.slice(place);
      if (done.has(at)) return null;
      path.push(at);
      for (const { attemptId } of waiting.get(at) ?? []) {
        const found = visit(attemptId);
        if (found !== null) return found;
      }
      path.pop();
      done.add(at);
      return null;
    };
    const found = visit(start);
    if (found !== null) return found;
  }
  return null;
}

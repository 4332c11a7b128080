import type { PlanPriority } from '@neolith/contracts';
import { createRandom, mixSeed } from './mulberry32.js';
import type { NormalisedPlan } from './normalisedPlan.js';

const dayMs = 24 * 60 * 60 * 1000;

const priorityShares: readonly (readonly [PlanPriority, number])[] = [
  ['CRITICAL', 0.1],
  ['HIGH', 0.25],
  ['MEDIUM', 0.4],
  ['LOW', 0.25],
];

type Deadline = 'overdue' | 'today' | 'soon' | 'later' | 'none';

const deadlineShares: readonly (readonly [Deadline, number])[] = [
  ['overdue', 0.15],
  ['today', 0.15],
  ['soon', 0.2],
  ['later', 0.25],
  ['none', 0.25],
];

export interface DeadlineOverlay {
  /** Any whole number; the same seed and `now` give the same plan. */
  readonly seed: number;
  readonly now: Date;
}

/**
 * Gives every task a new priority and due date around `now`, for trying out plans whose tasks are all alike.
 *
 * Priorities: CRITICAL 10 %, HIGH 25 %, MEDIUM 40 %, LOW 25 %. Due: overdue by up to 14 days 15 %; later today
 * (UTC) 15 %; after today but within 72 hours 20 %; after that, up to 60 days ahead, 25 %; none 25 %. The shares
 * are chances, drawn for each task from the seed and its source id alone: a task gets the same whatever else the
 * plan holds. Pure; the given plan is not changed.
 */
export function overlayDeadlines(plan: NormalisedPlan, { seed, now }: DeadlineOverlay): NormalisedPlan {
  const tasks = plan.tasks.map((task) => {
    const random = createRandom(mixSeed(seed, task.sourceId));
    const priority = draw(priorityShares, random());
    const dueAt = placeDeadline(draw(deadlineShares, random()), random(), now.getTime());
    return { ...task, priority, dueAt };
  });
  return { ...plan, tasks };
}

function draw<T>(shares: readonly (readonly [T, number])[], chance: number): T {
  let left = chance;
  for (const [value, share] of shares) {
    if (left < share) return value;
    left -= share;
  }
  const last = shares.at(-1);
  if (last === undefined) throw new RangeError('There must be at least one share to draw from.');
  return last[0];
}

/** `position` in [0, 1) says where in its span the deadline lies. */
function placeDeadline(deadline: Deadline, position: number, nowMs: number): Date | null {
  const endOfTodayMs = Math.floor(nowMs / dayMs) * dayMs + dayMs - 1;
  const soonEndMs = nowMs + 3 * dayMs;
  switch (deadline) {
    case 'overdue':
      return new Date(nowMs - 1 - Math.floor(position * 14 * dayMs));
    case 'today':
      return new Date(nowMs + Math.floor(position * (endOfTodayMs - nowMs + 1)));
    case 'soon':
      return new Date(endOfTodayMs + 1 + Math.floor(position * (soonEndMs - endOfTodayMs)));
    case 'later':
      return new Date(soonEndMs + 1 + Math.floor(position * 57 * dayMs));
    case 'none':
      return null;
  }
}

import type { Score, TaskPriority } from '@neolith/contracts';
import { TASK_PRIORITIES } from '@neolith/contracts';
import { endOfLocalDay } from './endOfLocalDay.js';

/** What a workspace sets: how much a priority weighs, and how much a near deadline multiplies it. */
export interface ScoringSettings {
  /** Of CRITICAL, HIGH, MEDIUM, LOW: positive and falling. */
  priorityWeights: readonly number[];
  /** Overdue, due today, due within three days, later or never: at least 1 and never rising. */
  deadlineBoosts: readonly number[];
}

export const DEFAULT_SCORING: ScoringSettings = {
  priorityWeights: [1000, 100, 10, 1],
  deadlineBoosts: [10, 5, 2, 1],
};

const SOON_MS = 72 * 60 * 60 * 1000;

export type DeadlineBand = 'overdue' | 'due today' | 'due within 3 days' | 'later or none';
const BANDS: readonly DeadlineBand[] = ['overdue', 'due today', 'due within 3 days', 'later or none'];

/** How near a deadline is; days are calendar days of `timeZone`. Source: docs/concepts/scoring.md. */
export function deadlineBand(dueAt: Date | null, now: Date, timeZone: string): DeadlineBand {
  if (dueAt === null) return 'later or none';
  if (dueAt < now) return 'overdue';
  if (dueAt < endOfLocalDay(now, timeZone)) return 'due today';
  return dueAt.getTime() <= now.getTime() + SOON_MS ? 'due within 3 days' : 'later or none';
}

/**
 * `score = weight(priority) × boost(dueAt, now)`. The database computes the same (ready_heads in the migrations);
 * a property test holds the two together.
 */
export function scoreTask(
  task: { priority: TaskPriority; dueAt: Date | null },
  now: Date,
  timeZone: string,
  settings: ScoringSettings = DEFAULT_SCORING,
): Score {
  const weight = settings.priorityWeights[TASK_PRIORITIES.indexOf(task.priority)] as number;
  const boost = settings.deadlineBoosts[BANDS.indexOf(deadlineBand(task.dueAt, now, timeZone))] as number;
  return { weight, boost, score: weight * boost };
}

export interface Rankable {
  id: string;
  score: number;
  dueAt: Date | null;
  createdAt: Date;
}

/** The total order of selection: score falling, due date rising with none last, then age, then id. */
export function compareRank(a: Rankable, b: Rankable): number {
  return (
    b.score - a.score ||
    (a.dueAt?.getTime() ?? Number.MAX_VALUE) - (b.dueAt?.getTime() ?? Number.MAX_VALUE) ||
    a.createdAt.getTime() - b.createdAt.getTime() ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  );
}

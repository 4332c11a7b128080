import { dayOf } from './calendar';

const SOON_MS = 72 * 60 * 60 * 1_000;

export type Deadline = 'overdue' | 'today' | 'soon' | 'later' | 'none';

/** In which of the deadline classes of the score a due time falls, days being days of the time zone. */
export function deadlineOf(dueAt: string | null, now: number, timeZone: string): Deadline {
  if (dueAt === null) return 'none';
  const due = Date.parse(dueAt);
  if (due < now) return 'overdue';
  if (dayOf(due, timeZone) === dayOf(now, timeZone)) return 'today';
  return due <= now + SOON_MS ? 'soon' : 'later';
}

export const DEADLINE_LABEL: Record<Deadline, string> = {
  overdue: 'overdue',
  today: 'due today',
  soon: 'due within 3 days',
  later: 'due later',
  none: 'no due date',
};

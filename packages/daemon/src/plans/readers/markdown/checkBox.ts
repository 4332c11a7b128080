import type { PlanTaskStatus } from '@neolith/contracts';

interface CheckBoxMark {
  readonly status: PlanTaskStatus;
  /** True when we have no such status and the mapping is worth a notice. */
  readonly isNoted: boolean;
}

/** What may stand in the brackets of a task. */
export const checkBoxMarks: ReadonlyMap<string, CheckBoxMark> = new Map([
  [' ', { status: 'open', isNoted: false }],
  ['', { status: 'open', isNoted: false }],
  ['x', { status: 'done', isNoted: false }],
  ['X', { status: 'done', isNoted: false }],
  ['✓', { status: 'done', isNoted: false }],
  ['✔', { status: 'done', isNoted: false }],
  ['✅', { status: 'done', isNoted: false }],
  ['-', { status: 'cancelled', isNoted: false }],
  ['~', { status: 'open', isNoted: true }],
  ['/', { status: 'open', isNoted: true }],
  ['>', { status: 'open', isNoted: true }],
  ['!', { status: 'open', isNoted: true }],
  ['?', { status: 'open', isNoted: true }],
]);

/** Statuses in words, as tables and `status:` have them, in small letters. */
export const statusWords: ReadonlyMap<string, CheckBoxMark> = new Map<string, CheckBoxMark>([
  ...['open', 'to do', 'todo', 'pending', 'not started', 'planned', 'new', 'ready'].map(
    (word) => [word, { status: 'open', isNoted: false }] as const,
  ),
  ...['done', 'complete', 'completed', 'closed', 'finished', 'x', '✅', '✓', '✔'].map(
    (word) => [word, { status: 'done', isNoted: false }] as const,
  ),
  ...['cancelled', 'canceled', 'dropped', "won't do"].map(
    (word) => [word, { status: 'cancelled', isNoted: false }] as const,
  ),
  ...['in progress', 'doing', 'started', 'review', 'in review', 'blocked', 'on hold', 'deferred'].map(
    (word) => [word, { status: 'open', isNoted: true }] as const,
  ),
]);

export interface CheckBox extends CheckBoxMark {
  readonly mark: string;
  /** Where the text after the box starts. */
  readonly length: number;
}

/** The check box that a line starts with, or null. */
export function readCheckBox(text: string): CheckBox | null {
  const [whole, mark = ''] = /^\[([^\]\n]?)\](?:\s+|$)/u.exec(text) ?? [];
  const known = checkBoxMarks.get(mark === '\u00a0' || mark === '\t' ? ' ' : mark);
  return whole === undefined || known === undefined ? null : { ...known, mark, length: whole.length };
}

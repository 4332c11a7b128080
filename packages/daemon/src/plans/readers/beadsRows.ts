import { planLimits } from '@neolith/contracts';
import { findUnsafeValues } from '../findUnsafeValues.js';
import { isRecord } from '../isRecord.js';
import type { PlanPosition } from '../planProblem.js';
import type { PlanText } from '../planReader.js';
import type { ProblemLog } from '../problemLog.js';
import { sanitiseText } from '../sanitiseText.js';
import { sanitiseValue } from '../sanitiseValue.js';
import { scanJson } from '../scanJson.js';
import type { BeadsCounts } from './beadsCounts.js';

export interface BeadsRow {
  readonly id: string;
  readonly record: Readonly<Record<string, unknown>>;
  readonly at: PlanPosition;
}

/** The rows of a JSONL file that are objects with an id; each other row is reported. Empty lines are no rows. */
export function listBeadsRows({ file, text }: PlanText, log: ProblemLog, counts: BeadsCounts): BeadsRow[] {
  const rows: BeadsRow[] = [];
  let line = 0;
  for (let start = 0; start <= text.length; ) {
    const end = text.indexOf('\n', start);
    const raw = text.slice(start, end === -1 ? text.length : end);
    line += 1;
    if (raw.trim() !== '') {
      counts.addRow();
      const row = readRow(raw, { file, line }, log);
      if (row !== null) rows.push(row);
    }
    if (end === -1) break;
    start = end + 1;
  }
  return rows;
}

function readRow(raw: string, at: PlanPosition, log: ProblemLog): BeadsRow | null {
  const record = parseRow(raw, at, log);
  if (record === null) return null;
  const { id } = record;
  if (typeof id !== 'string' || id.trim() === '' || id.length > planLimits.idCharsMax) {
    const why =
      id === undefined
        ? 'has no "id"'
        : `has an "id" that is not a text of 1 to ${planLimits.idCharsMax} characters`;
    log.add('ROW_WITHOUT_ID', at, `The row in line ${at.line} ${why} and is left out; give it one.`);
    return null;
  }
  return { id, record, at };
}

function parseRow(raw: string, at: PlanPosition, log: ProblemLog): Record<string, unknown> | null {
  const { fault, duplicateKeys } = scanJson(raw);
  if (fault !== null) {
    const isConflict = /^(?:<{7}|={7}|>{7}|\|{7})/.test(raw);
    const message = isConflict
      ? `Line ${at.line} is a conflict marker of git and is left out; resolve the merge first.`
      : `Line ${at.line} is not valid JSON and is left out: ${fault.message}.`;
    log.add('ROW_UNREADABLE', { ...at, column: fault.offset + 1 }, message);
    return null;
  }
  for (const { key, offset } of duplicateKeys) {
    const name = JSON.stringify(sanitiseText(key));
    log.add(
      'KEY_DUPLICATE',
      { ...at, column: offset + 1 },
      `The key ${name} stands twice in one object; the last value counts.`,
    );
  }
  const value: unknown = JSON.parse(raw);
  if (!isRecord(value)) {
    const found = Array.isArray(value) ? 'a list' : value === null ? 'null' : `a ${typeof value}`;
    log.add('ROW_UNREADABLE', at, `Line ${at.line} holds ${found} and is left out; a row is an object.`);
    return null;
  }
  reportUnsafeValues(value, at, log);
  return value;
}

function reportUnsafeValues(record: Record<string, unknown>, at: PlanPosition, log: ProblemLog): void {
  const unsafe = findUnsafeValues(record);
  for (const { kind, path } of unsafe) {
    if (kind !== 'number') continue;
    log.add(
      'NUMBER_IMPRECISE',
      at,
      `The number at ${path.join('.')} in line ${at.line} can not be kept exactly; put it in quotes.`,
    );
  }
  if (unsafe.some(({ kind }) => kind === 'text')) {
    log.add(
      'TEXT_SANITISED',
      at,
      `Line ${at.line} holds NUL or half characters; they were replaced by U+FFFD.`,
    );
  }
  if (unsafe.some(({ kind }) => kind === 'forbiddenKey')) {
    log.add(
      'ROW_KEY_DROPPED',
      at,
      `Line ${at.line} holds a key named __proto__, which was left out; rename it.`,
    );
  }
  if (unsafe.some(({ kind }) => kind !== 'number')) sanitiseValue(record);
}

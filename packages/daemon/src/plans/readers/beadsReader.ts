import type { DraftPlan, PlanReader, PlanReaderOptions, PlanText } from '../planReader.js';
import type { ProblemLog } from '../problemLog.js';
import { createBeadsCounts } from './beadsCounts.js';
import { beadsStatuses } from './beadsMapping.js';
import { type BeadsRow, listBeadsRows } from './beadsRows.js';
import { readBeadsTask } from './beadsTask.js';

/** The export of the beads issue tracker: one issue as a JSON object in each line. */
export const beadsReader: PlanReader = {
  format: 'beads',
  title: 'beads JSONL',
  alwaysStrict: false,
  recognise({ file, text }) {
    if (/\.(?:jsonl|ndjson)$/i.test(file)) return 'certain';
    return looksLikeIssue(firstLine(text)) ? 'certain' : 'no';
  },
  read: readBeadsPlan,
};

function readBeadsPlan(source: PlanText, log: ProblemLog, options: PlanReaderOptions): DraftPlan | null {
  const counts = createBeadsCounts();
  const rows = listBeadsRows(source, log, counts);
  const deletedSourceIds = new Set<string>();
  const live = rows.filter((row) => {
    const { status } = row.record;
    if (typeof status !== 'string' || beadsStatuses.get(status)?.status !== 'deleted') return true;
    deletedSourceIds.add(row.id);
    counts.addStatus(status);
    log.add('ROW_DELETED', row.at, `${row.id} is marked as deleted; it is not imported.`);
    return false;
  });
  const knownIds = new Set(live.map((row) => row.id));
  for (const id of knownIds) deletedSourceIds.delete(id);
  const tasks = live.map((row) => readBeadsTask(row, { log, counts, options, knownIds, deletedSourceIds }));
  reportMixedOffsets(live, counts.offsets, log);
  if (options.missingPriority === null) reportMissingPriorities(live, log);
  return {
    name: source.file.replace(/^.*[\\/]/, '').replace(/\.[^.]*$/, '') || 'beads',
    description: null,
    run: null,
    phases: [],
    dependenciesComplete: false,
    dueAt: null,
    tasks,
    deletedSourceIds,
    source: counts,
  };
}

function reportMixedOffsets(
  rows: readonly BeadsRow[],
  offsets: ReadonlyMap<string, number>,
  log: ProblemLog,
): void {
  const [first] = rows;
  if (first === undefined || offsets.size < 2) return;
  const list = [...offsets].map(([offset, times]) => `${offset} ${times}×`).join(', ');
  log.add(
    'TIME_OFFSETS_MIXED',
    first.at,
    `Times are written with ${offsets.size} offsets (${list}); each is read as the instant it means.`,
  );
}

function reportMissingPriorities(rows: readonly BeadsRow[], log: ProblemLog): void {
  const missing = rows.filter(({ record }) => record.priority === undefined || record.priority === null);
  const [first] = missing;
  if (first === undefined) return;
  const lines = missing.slice(0, 10).map(({ at }) => at.line);
  const more = missing.length > lines.length ? ' …' : '';
  log.add(
    'PRIORITY_MISSING',
    first.at,
    `Rows without a priority: ${missing.length} of ${rows.length} (line ${lines.join(', ')}${more}); MEDIUM is taken. Exports of late 2025 leave out P0: for one of those choose CRITICAL for a missing priority, else MEDIUM.`,
  );
}

function firstLine(text: string): string {
  const start = text.search(/\S/);
  const end = text.indexOf('\n', start);
  return start === -1 ? '' : text.slice(start, end === -1 ? undefined : end);
}

function looksLikeIssue(line: string): boolean {
  if (!line.startsWith('{')) return false;
  try {
    const value: unknown = JSON.parse(line);
    return (
      typeof value === 'object' && value !== null && 'id' in value && 'title' in value && !('tasks' in value)
    );
  } catch {
    // The first line of a file of another format; whoever reads it reports what is wrong with it.
    return false;
  }
}

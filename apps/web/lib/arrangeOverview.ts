import type { OrchestratorStatus } from '@neolith/contracts';
import { attentionOf } from './attention';
import type { OrchestratorOverviewJson } from './wire';

export const SORTS = {
  attention: 'Needs attention first',
  name: 'Name',
  running: 'Most running',
  backlog: 'Largest backlog',
  success: 'Lowest success rate',
  throughput: 'Most completed',
} as const;
export type Sort = keyof typeof SORTS;

export const FILTERS = {
  all: 'All',
  attention: 'Needs attention',
  working: 'Working',
  ONLINE: 'Online',
  BUSY: 'Busy',
  AWAY: 'Away',
  OFFLINE: 'Offline',
} as const satisfies Record<OrchestratorStatus | 'all' | 'attention' | 'working', string>;
export type Filter = keyof typeof FILTERS;

export interface Arrangement {
  query: string;
  filter: Filter;
  sort: Sort;
}

/** The arrangement that a URL asks for; unknown words are the defaults. */
export function parseArrangement(parameters: { get(name: string): string | null }): Arrangement {
  const filter = parameters.get('show') ?? 'all';
  const sort = parameters.get('sort') ?? 'attention';
  return {
    query: parameters.get('q') ?? '',
    filter: Object.hasOwn(FILTERS, filter) ? (filter as Filter) : 'all',
    sort: Object.hasOwn(SORTS, sort) ? (sort as Sort) : 'attention',
  };
}

function fits(row: OrchestratorOverviewJson, filter: Filter): boolean {
  if (filter === 'all') return true;
  if (filter === 'attention') return attentionOf(row).length > 0;
  if (filter === 'working') return row.running.length > 0;
  return row.orchestrator.status === filter;
}

const completed = (row: OrchestratorOverviewJson) =>
  row.throughput.reduce((sum, day) => sum + day.completed, 0);

function urgency(row: OrchestratorOverviewJson): number {
  const worst = attentionOf(row)[0];
  if (worst === undefined) return 0;
  return worst.severity === 'bad' ? 2 : 1;
}

const MEASURE: Record<Exclude<Sort, 'name'>, (row: OrchestratorOverviewJson) => number> = {
  attention: (row) => -urgency(row),
  running: (row) => -row.running.length,
  backlog: (row) => -row.backlog.total,
  success: (row) => row.successRate ?? Number.POSITIVE_INFINITY,
  throughput: (row) => -completed(row),
};

/** The rows that an arrangement shows, in its order; ties by name, then id. */
export function arrangeOverview(
  rows: readonly OrchestratorOverviewJson[],
  { query, filter, sort }: Arrangement,
): OrchestratorOverviewJson[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = rows.filter((row) => {
    const { name, role, discipline, capabilities } = row.orchestrator;
    const text = [name, role, discipline, ...capabilities].join(' ').toLowerCase();
    return words.every((word) => text.includes(word)) && fits(row, filter);
  });
  return shown.sort((a, b) => {
    const byMeasure = sort === 'name' ? 0 : MEASURE[sort](a) - MEASURE[sort](b);
    if (byMeasure !== 0 && !Number.isNaN(byMeasure)) return byMeasure;
    const [left, right] = [a.orchestrator, b.orchestrator];
    if (left.name !== right.name) return left.name < right.name ? -1 : 1;
    return left.id < right.id ? -1 : 1;
  });
}

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { CLAIM_RESULTS, type MetricRow, PROCESS_METRICS } from './metricTable';

type Table = typeof PROCESS_METRICS;
type MetricOf<Row extends MetricRow> = Row['type'] extends 'counter'
  ? Counter<string>
  : Row['type'] extends 'gauge'
    ? Gauge<string>
    : Histogram<string>;

export type ProcessMetrics = { readonly [Name in keyof Table]: MetricOf<Table[Name]> };

interface Kept {
  readonly registry: Registry;
  readonly metrics: ProcessMetrics;
}

/** On globalThis: instrumentation and routes are bundled apart, and each would count for itself. */
const KEY = Symbol.for('neolith.web.metrics');
const holder = globalThis as { [KEY]?: Kept };

/** A metric of a row, in a registry. */
export function makeMetric(
  row: MetricRow,
  registry: Registry,
): Counter<string> | Gauge<string> | Histogram<string> {
  const options = { name: row.name, help: row.help, labelNames: [...row.labels], registers: [registry] };
  if (row.type === 'counter') return new Counter(options);
  if (row.type === 'gauge') return new Gauge(options);
  return new Histogram({ ...options, buckets: [...(row.buckets ?? [])] });
}

function make(): Kept {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const metrics = Object.fromEntries(
    Object.entries(PROCESS_METRICS).map(([name, row]) => [name, makeMetric(row, registry)]),
  ) as unknown as ProcessMetrics;
  // A series that begins with its first event hides that event from rate().
  for (const result of CLAIM_RESULTS) metrics.claims.inc({ result }, 0);
  for (const outcome of ['merged', 'failed']) metrics.merges.inc({ outcome }, 0);
  for (const stream of ['events', 'control']) metrics.streamsOpen.set({ stream }, 0);
  return { registry, metrics };
}

function kept(): Kept {
  holder[KEY] ??= make();
  return holder[KEY];
}

/** What this process counts, made on first use. */
export function processMetrics(): ProcessMetrics {
  return kept().metrics;
}

export function processRegistry(): Registry {
  return kept().registry;
}

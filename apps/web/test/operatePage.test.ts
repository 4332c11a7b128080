import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type MetricRow, PROCESS_METRICS, SCRAPE_METRICS } from '@/server/metrics/metricTable';

const page = readFileSync(fileURLToPath(new URL('../../../docs/guides/operate.md', import.meta.url)), 'utf8');

/** The rows of the table beneath a heading, cell by cell. */
function rowsBelow(heading: string): string[][] {
  const section = page.split(/^### /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

test('the page tells of every metric of the server what the code says of it', () => {
  const rows: MetricRow[] = [...Object.values(PROCESS_METRICS), ...Object.values(SCRAPE_METRICS)];
  expect(rowsBelow('Of the server')).toEqual(
    rows.map(({ name, type, labels, help }) => [
      `\`${name}\``,
      type,
      labels.map((label) => `\`${label}\``).join(', '),
      help,
    ]),
  );
});

test('alerts and examples ask for nothing that is not there', () => {
  const known = new Set<string>();
  for (const { name, type } of [...Object.values(PROCESS_METRICS), ...Object.values(SCRAPE_METRICS)]) {
    known.add(name);
    if (type === 'histogram') for (const end of ['bucket', 'sum', 'count']) known.add(`${name}_${end}`);
  }
  for (const [name] of rowsBelow('Of a daemon')) known.add((name ?? '').replaceAll('`', ''));
  const alerts = /## What to be woken for[\s\S]*?```yaml([\s\S]*?)```/.exec(page)?.[1] ?? '';
  const asked = [...alerts.matchAll(/neolith_\w+/g)].map(([name]) => name);
  expect(asked.length).toBeGreaterThan(10);
  for (const name of asked) expect(known).toContain(name);
});

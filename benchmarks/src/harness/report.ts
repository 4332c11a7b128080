import { writeFile } from 'node:fs/promises';
import { type Benchmark, isMet, type Outcome, type Table, type Verdict } from './benchmark.js';
import { drawTable } from './drawTable.js';
import { median } from './statistics.js';

/** For the terminal: each table with medians and spread, then the ratios beside their aims. */
export function printOutcome(outcome: Outcome): void {
  for (const table of outcome.tables) {
    console.log(`\n${table.title} (${table.unit})`);
    console.log(markdownTable(table));
  }
  if (outcome.verdicts.length > 0) console.log(`\n${verdictTable(outcome.verdicts)}`);
  for (const note of outcome.notes ?? []) console.log(`\n${note}`);
}

/** Writes the page of a benchmark and its plots into a folder; returns the files' names. */
export async function writeReport(
  folder: URL,
  benchmark: Benchmark,
  outcome: Outcome,
  circumstances: readonly string[],
): Promise<string[]> {
  const files: string[] = [];
  const parts = [
    `# ${benchmark.title}`,
    `Written by \`npm run bench -- ${benchmark.name}\`. ${circumstances.join('. ')}.`,
    benchmark.about,
  ];
  if (outcome.verdicts.length > 0) parts.push('## Ratios', verdictTable(outcome.verdicts));
  for (const [index, table] of outcome.tables.entries()) {
    parts.push(`## ${table.title}`);
    if (table.plot !== 'none') {
      const file = `${benchmark.name}${index === 0 ? '' : `-${index + 1}`}.svg`;
      await writeFile(new URL(file, folder), drawTable(table));
      files.push(file);
      parts.push(`![${table.title}](${file})`);
    }
    parts.push(`Medians in ${table.unit}, in brackets the lowest and the highest.`, markdownTable(table));
  }
  if ((outcome.notes ?? []).length > 0) parts.push('## Notes', ...(outcome.notes ?? []));
  await writeFile(new URL(`${benchmark.name}.md`, folder), `${parts.join('\n\n')}\n`);
  return [`${benchmark.name}.md`, ...files];
}

function markdownTable(table: Table): string {
  const header = [table.along, ...table.points.map(String)];
  const rows = table.rows.map(({ name, samples }) => [name, ...samples.map(cell)]);
  return lines(header, rows);
}

function cell(samples: readonly number[]): string {
  if (samples.length === 0) return '–';
  const middle = figure(median(samples));
  return samples.length === 1
    ? middle
    : `${middle} (${figure(Math.min(...samples))}–${figure(Math.max(...samples))})`;
}

function verdictTable(verdicts: readonly Verdict[]): string {
  return lines(
    ['ratio', 'measured', 'aim', ''],
    verdicts.map((verdict) => {
      const met = isMet(verdict);
      const unit = verdict.unit === undefined ? '' : ` ${verdict.unit}`;
      const aim =
        verdict.aim === null
          ? ''
          : `${verdict.aim.at === 'least' ? '≥' : '≤'} ${figure(verdict.aim.bound)}${unit}`;
      return [
        verdict.what,
        `${figure(verdict.value)}${unit}`,
        aim,
        met === null ? '' : met ? 'met' : '**missed**',
      ];
    }),
  );
}

function lines(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((text, column) =>
    Math.max(3, text.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** Three significant digits, with thin marks between thousands. */
function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

import type { PlanImportResult } from '@neolith/contracts';
import { plainLine, type Terminal } from '../output/terminal.js';

/** So many of each kind are named; a dry run exists to be read, so it names more. */
const NAMED = 10;
const NAMED_IN_DRY_RUN = 50;

/** What an import did, or would do, as lines for a person. Pure but for colour. */
export function describeImport(result: PlanImportResult, terminal: Pick<Terminal, 'style'>): string[] {
  const label = (word: string): string =>
    result.dryRun ? `  ${`would be ${word}`.padEnd(18)}` : `  ${word.padEnd(11)}`;
  const named = result.dryRun ? NAMED_IN_DRY_RUN : NAMED;
  const dim = (text: string): string => terminal.style('dim', text);
  const list = <T>(items: readonly T[], describe: (item: T) => string): string[] => [
    ...items.slice(0, named).map((item) => `    ${describe(item)}`),
    ...(items.length > named ? [dim(`    … and ${items.length - named} more; --json lists all`)] : []),
  ];
  const task = (one: { sourceId: string; title: string }): string =>
    one.sourceId === one.title ? plainLine(one.title) : `${plainLine(one.sourceId)}  ${plainLine(one.title)}`;
  const { created, updated, unchanged, removed, refused } = result;
  return [
    `${label('created')}${created.length}`,
    ...(result.dryRun ? list(created, task) : []),
    `${label('updated')}${updated.length}`,
    ...list(updated, (one) => `${task(one)}  ${dim(`(${one.changes.join(', ')})`)}`),
    `  ${'unchanged'.padEnd(result.dryRun ? 18 : 11)}${unchanged}`,
    ...(removed.length === 0
      ? []
      : [`  not in the plan any more, left as they are  ${removed.length}`, ...list(removed, task)]),
    ...(refused.length === 0
      ? []
      : [
          terminal.style('yellow', `  refused    ${refused.length}`),
          ...list(refused, (one) => `${task(one)}: ${plainLine(one.reason)}`),
        ]),
  ];
}

import { describeDuration } from '../output/duration.js';
import { fitLine } from '../output/fitLine.js';
import type { Terminal } from '../output/terminal.js';
import { plainLine } from '../output/terminal.js';

/** What a graph of a plan and one of a run have in common. */
export interface DescribedGraph {
  readonly name: string;
  readonly tasks: readonly { readonly id: string; readonly title: string; readonly status: string }[];
  readonly edges: readonly unknown[];
  readonly waves: readonly (readonly string[])[];
  readonly criticalPath: { readonly taskIds: readonly string[]; readonly seconds: number };
  readonly diagnosis: readonly { readonly code: string; readonly message: string }[];
}

const NOTES_MAX = 20;
const PATH_MAX = 50;

/** Waves as a table, the critical path, and what is odd, as lines for a person. Pure but for colour. */
export function describeGraph(
  graph: DescribedGraph,
  { columns, style }: { readonly columns: number; readonly style: Terminal['style'] },
): string[] {
  const titleOf = new Map(graph.tasks.map(({ id, title }) => [id, plainLine(title)]));
  const statusOf = new Map(graph.tasks.map(({ id, status }) => [id, status.toLowerCase()]));
  const isOver = (id: string): boolean => ['done', 'cancelled', 'failed'].includes(statusOf.get(id) ?? '');
  const name = (id: string): string => titleOf.get(id) ?? id;
  const widths = { wave: 4, tasks: 7, open: 6 };
  const row = (wave: string, tasks: string, open: string): string =>
    `${wave.padStart(widths.wave)}${tasks.padStart(widths.tasks)}${open.padStart(widths.open)}  `;
  const head = row('Wave', 'Tasks', 'Open');
  const { criticalPath, diagnosis } = graph;
  const more = diagnosis.length - NOTES_MAX;
  return [
    `${style('bold', plainLine(graph.name))}: ${graph.tasks.length} tasks, ${graph.edges.length} dependencies, ${graph.waves.length} waves`,
    '',
    style('bold', `${head}What`),
    ...graph.waves.map((ids, index) => {
      const left = row(String(index + 1), String(ids.length), String(ids.filter((id) => !isOver(id)).length));
      // Of a wave of thousands only what may fit is looked at.
      const titles = ids.slice(0, 50).map(name).join(', ');
      return left + fitLine(titles, Math.max(10, columns - left.length));
    }),
    '',
    criticalPath.taskIds.length === 0
      ? `${style('bold', 'Critical path')}: nothing is left to do`
      : `${style('bold', 'Critical path')}: ${criticalPath.taskIds.length} tasks, ${describeDuration(criticalPath.seconds)} at least`,
    ...criticalPath.taskIds
      .slice(0, PATH_MAX)
      .map((id, index) => fitLine(`  ${index + 1}. ${name(id)}`, columns)),
    ...(criticalPath.taskIds.length > PATH_MAX
      ? [style('dim', `  … and ${criticalPath.taskIds.length - PATH_MAX} more; --json lists all`)]
      : []),
    ...(diagnosis.length === 0 ? [] : ['', style('bold', 'Diagnosis')]),
    ...diagnosis
      .slice(0, NOTES_MAX)
      .map(({ code, message }) => `  ${style('yellow', code)}  ${plainLine(message)}`),
    ...(more > 0 ? [style('dim', `  … and ${more} more; --json lists all`)] : []),
  ];
}

import {
  type DrawnStatus,
  drawStatus,
  groupByPhase,
  type PlanGraph,
  type PlanGraphTask,
  statusColours,
} from './planGraph.js';

/**
 * A plan as a Mermaid flowchart: arrows lead from a prerequisite to what waits for it, phases are subgraphs,
 * statuses are classes. Nodes are called `t1`, `t2` … in the order of the plan, whatever the ids hold; id and title
 * are in the label. Pure.
 */
export function drawMermaid(plan: PlanGraph): string {
  const { name, tasks } = plan;
  const nodeOf = new Map(tasks.map(({ id }, index) => [id, `t${index + 1}`]));
  const lines = ['---', `title: ${JSON.stringify(toOneLine(name))}`, '---', 'flowchart LR'];
  const used = new Set<DrawnStatus>();
  const drawNode = ({ id, title, status }: PlanGraphTask): string => {
    const drawn = drawStatus(status);
    if (drawn !== null) used.add(drawn);
    return `${nodeOf.get(id)}["${escapeLabel(id)}<br/>${escapeLabel(title)}"]${drawn === null ? '' : `:::${drawn}`}`;
  };
  for (const [index, { name: phase, tasks: members }] of groupByPhase(plan).entries()) {
    if (phase === null) {
      lines.push(...members.map((task) => `  ${drawNode(task)}`));
      continue;
    }
    lines.push(`  subgraph p${index + 1}["${escapeLabel(phase)}"]`);
    lines.push(...members.map((task) => `    ${drawNode(task)}`), '  end');
  }
  for (const { id, dependsOn } of tasks) {
    for (const prerequisite of new Set(dependsOn)) {
      const from = nodeOf.get(prerequisite);
      if (from !== undefined) lines.push(`  ${from} --> ${nodeOf.get(id)}`);
    }
  }
  for (const status of Object.keys(statusColours) as DrawnStatus[]) {
    const { fill, line } = statusColours[status];
    if (used.has(status)) lines.push(`  classDef ${status} fill:${fill},stroke:${line},color:#0f172a`);
  }
  return `${lines.join('\n')}\n`;
}

/**
 * Mermaid has entity codes for what means something in its labels: quotes, brackets, HTML, Markdown, `#` itself; and
 * it takes `1. ` and `- ` at the start of a text for a list, which it refuses to draw.
 */
function escapeLabel(text: string): string {
  return toOneLine(text)
    .replace(/[^\p{L}\p{M}\p{N}\p{So}\p{Emoji_Modifier} .,:/()+=?!'_-]/gu, toEntity)
    .replace(/^(\d+)\.(?=\s)/, '$1#46;')
    .replace(/^[-+](?=\s)/, toEntity);
}

function toEntity(char: string): string {
  return `#${char.codePointAt(0)};`;
}

function toOneLine(text: string): string {
  return text
    .toWellFormed()
    .replace(/\p{Cc}+/gu, ' ')
    .trim();
}

import { drawStatus, groupByPhase, type PlanGraph, type PlanGraphTask, statusColours } from './planGraph.js';

/**
 * A plan as a Graphviz digraph: arrows lead from a prerequisite to what waits for it, phases are boxes, statuses
 * are colours. Tasks and arrows stand in the order of the plan, so that the same plan gives the same text. Pure.
 */
export function drawDot(plan: PlanGraph): string {
  const { name, tasks } = plan;
  const known = new Set(tasks.map(({ id }) => id));
  const lines = [
    `digraph ${quote(name)} {`,
    '  rankdir=LR;',
    '  node [shape=box, style="rounded,filled", fillcolor="#ffffff", color="#64748b", fontname="sans-serif"];',
  ];
  for (const [index, { name: phase, tasks: members }] of groupByPhase(plan).entries()) {
    if (phase === null) {
      lines.push(...members.map((task) => `  ${drawNode(task)}`));
      continue;
    }
    lines.push(`  subgraph "cluster_${index}" {`, `    label=${quote(phase)};`);
    lines.push(...members.map((task) => `    ${drawNode(task)}`), '  }');
  }
  for (const { id, dependsOn } of tasks) {
    for (const prerequisite of new Set(dependsOn)) {
      if (known.has(prerequisite)) lines.push(`  ${quote(prerequisite)} -> ${quote(id)};`);
    }
  }
  return `${lines.join('\n')}\n}\n`;
}

function drawNode({ id, title, status, priority }: PlanGraphTask): string {
  const drawn = drawStatus(status);
  const attributes = [`label=${quote(`${id}\n${title}`)}`];
  if (drawn !== null) {
    const { fill, line } = statusColours[drawn];
    attributes.push(`class="${drawn}"`, `fillcolor="${fill}"`, `color="${line}"`);
  }
  if (priority?.toUpperCase() === 'CRITICAL') attributes.push('penwidth=2');
  return `${quote(id)} [${attributes.join(', ')}];`;
}

/**
 * A quoted string of the DOT language. Backslashes are doubled because Graphviz reads `\N`, `\l` and others in
 * labels; a quoted string is never taken for HTML, only one in angle brackets is. NUL would end the text.
 */
function quote(text: string): string {
  const escaped = text
    .toWellFormed()
    .replace(/\r\n?/g, '\n')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what has to go
    .replace(/[\u0000-\u0009\u000b-\u001f\u007f]/g, ' ')
    .replace(/\\/g, '\\\\')
    .replace(/"/g, '\\"')
    .replace(/\n/g, '\\n')
    // Graphviz resolves HTML entities in every label.
    .replace(/&/g, '&amp;');
  return `"${escaped}"`;
}

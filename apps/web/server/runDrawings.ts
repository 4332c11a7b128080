import type { PlanInput, PlanTaskStatus, RunGraph, TaskStatus } from '@neolith/contracts';

export type RunDrawing = NonNullable<RunGraph['graph']> & { name: string };

/** In words of colour that Graphviz and Mermaid share. */
const FILL: Record<TaskStatus, string> = {
  BLOCKED: '#f6d98a',
  TODO: '#e4e2de',
  IN_PROGRESS: '#a9c4f5',
  MERGING: '#cdb8f2',
  DONE: '#a8dcb9',
  FAILED: '#f0a8a0',
  CANCELLED: '#f4f3f1',
};

/** A control character would end the line that it stands in, and with it the statement. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
}

/** For Graphviz: an arrow leads from what must be done first to what waits for it; critical ones are thick. */
export function drawDot({ name, tasks, edges, waves }: RunDrawing): string {
  const quote = (text: string) => `"${oneLine(text).replace(/[\\"]/g, '\\$&')}"`;
  const placeOf = new Map(tasks.map((task, place) => [task.id, place]));
  return [
    `digraph ${quote(name)} {`,
    '  rankdir=LR;',
    '  node [shape=box, style="rounded,filled", fontname="sans-serif"];',
    ...tasks.map(
      (task, place) =>
        `  t${place} [label=${quote(task.title)}, tooltip=${quote(`${task.status} ${task.id}`)}, fillcolor="${FILL[task.status]}"${task.critical ? ', penwidth=2' : ''}];`,
    ),
    ...waves
      .map((ids) => ids.flatMap((id) => placeOf.get(id) ?? []))
      .filter((places) => places.length > 1)
      .map((places) => `  { rank=same; ${places.map((place) => `t${place};`).join(' ')} }`),
    ...edges.map(([dependent, prerequisite]) => {
      const thick = tasks[dependent]?.critical === true && tasks[prerequisite]?.critical === true;
      return `  t${prerequisite} -> t${dependent}${thick ? ' [penwidth=2]' : ''};`;
    }),
    '}',
    '',
  ].join('\n');
}

/** For Mermaid, as GitHub and many editors show it. */
export function drawMermaid({ tasks, edges }: RunDrawing): string {
  // Mermaid knows no escape but entities; everything that could end a label, or be markup in it, becomes one.
  const quote = (text: string) =>
    `"${oneLine(text).replace(/[^\p{L}\p{N} .,:()/'+-]/gu, (character) => `#${character.codePointAt(0)};`)}"`;
  const used = new Set(tasks.map((task) => task.status));
  return [
    'flowchart LR',
    ...tasks.map((task, place) => `  t${place}[${quote(task.title)}]:::${task.status}`),
    ...edges.map(([dependent, prerequisite]) => `  t${prerequisite} --> t${dependent}`),
    ...[...used].sort().map((status) => `  classDef ${status} fill:${FILL[status]},stroke:#777,color:#111`),
    '',
  ].join('\n');
}

const PLAN_STATUS: Partial<Record<TaskStatus, PlanTaskStatus>> = { DONE: 'done', CANCELLED: 'cancelled' };

/** The plan of a run in our own format, as JSON: its tasks by their source ids, or by their own where they have none. */
export function writePlan({ name, tasks, edges }: RunDrawing): string {
  const idOf = tasks.map((task) => task.sourceId ?? task.id);
  const keyOf = new Map(tasks.map((task, place) => [task.id, idOf[place] as string]));
  const dependsOn = tasks.map((): string[] => []);
  for (const [dependent, prerequisite] of edges) dependsOn[dependent]?.push(idOf[prerequisite] as string);
  const plan: PlanInput = {
    version: 1,
    name,
    tasks: tasks.map((task, place) => {
      const parent = task.parentId === null ? undefined : keyOf.get(task.parentId);
      const status = PLAN_STATUS[task.status];
      return {
        id: idOf[place] as string,
        title: task.title,
        priority: task.priority,
        ...(task.dueAt === null ? {} : { due: task.dueAt.toISOString() }),
        ...(task.tags.length === 0 ? {} : { tags: task.tags }),
        ...(dependsOn[place]?.length === 0 ? {} : { dependsOn: dependsOn[place] ?? [] }),
        ...(parent === undefined ? {} : { parent }),
        ...(task.orchestratorId === null ? {} : { orchestrator: task.orchestratorId }),
        ...(task.estimateMinutes === null ? {} : { estimateMinutes: task.estimateMinutes }),
        ...(status === undefined ? {} : { status }),
      };
    }),
  };
  return `${JSON.stringify(plan, null, 2)}\n`;
}

import type { NewTask } from '@neolith/work-engine';

const PRIORITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'] as const;
/** How far back a dependency reaches at most. */
const REACH = 1_000;

/** Tasks as plans have them, one after another: each depends on `edges` of the thousand before it, always the same ones. */
export function* planTasks(count: number, edges: number): Generator<NewTask> {
  let state = 1;
  const draw = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return Math.floor((state / 0x80000000) * below);
  };
  for (let index = 0; index < count; index += 1) {
    const wanted = Math.min(edges, index);
    const dependsOn = new Set<string>();
    while (dependsOn.size < wanted) dependsOn.add(`t${index - 1 - draw(Math.min(index, REACH))}`);
    yield {
      title: `Task ${index}: do a thing`,
      description: `Make part ${index} of the plan work as its charter says, with tests that fail without it.`,
      sourceId: `t${index}`,
      priority: PRIORITIES[index % 4] ?? 'LOW',
      tags: ['backend', 'import'],
      dependsOn: [...dependsOn],
      estimateMinutes: 30,
      metadata: { file: `src/part${index % 1_000}.ts` },
    };
  }
}

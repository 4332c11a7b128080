import {
  drawDot,
  drawMermaid,
  type endpoints,
  formatId,
  formatPlan,
  type PlanRun,
  parseId,
  type RunConfig,
  type RunGraph,
  type Task,
  type WrittenPlan,
  type WrittenTask,
} from '@neolith/contracts';
import type { WorkEngine } from '@neolith/work-engine';
import type { Call } from './http/handle';

const PAGE = 500;

type Graph = Awaited<ReturnType<WorkEngine['getRunGraph']>>;

/** The graph of a run as data, or drawn, or written as a plan. */
export async function drawRunGraph({ engine, input }: Call<typeof endpoints.getRunGraph>): Promise<RunGraph> {
  const { format } = input.query;
  const { name, ...graph } = await engine.getRunGraph(input.params.id);
  const runId = formatId('run', parseId('run', input.params.id) as string);
  if (format === 'json') return { runId, format, text: null, graph };
  const plan = planOf({ name, ...graph });
  switch (format) {
    case 'dot':
      return { runId, format, text: drawDot(plan), graph: null };
    case 'mermaid':
      return { runId, format, text: drawMermaid(plan), graph: null };
    case 'plan':
      return { runId, format, text: formatPlan(await withDetails(engine, runId, plan, graph)), graph: null };
  }
}

/** Tasks are called as in the plan that they came from; by their own id where they came from none, or share a name. */
function planOf({ name, tasks, edges }: Graph): { name: string; tasks: WrittenTask[] } {
  const uses = new Map<string | null, number>();
  for (const { sourceId } of tasks) uses.set(sourceId, (uses.get(sourceId) ?? 0) + 1);
  const names = tasks.map(({ id, sourceId }) =>
    sourceId !== null && uses.get(sourceId) === 1 ? sourceId : id,
  );
  const nameOf = new Map(tasks.map(({ id }, place) => [id, names[place] as string]));
  const dependsOn = tasks.map((): string[] => []);
  for (const [dependent, prerequisite] of edges) dependsOn[dependent]?.push(names[prerequisite] as string);
  return {
    name,
    tasks: tasks.map((task, place) => ({
      id: names[place] as string,
      title: task.title,
      status: task.status,
      priority: task.priority,
      dependsOn: dependsOn[place] ?? [],
      parent: task.parentId === null ? null : nameOf.get(task.parentId),
      dueAt: task.dueAt,
      tags: task.tags,
      orchestrator: task.orchestratorId,
      estimateMinutes: task.estimateMinutes,
    })),
  };
}

/** With what a drawing has no place for. */
async function withDetails(
  engine: WorkEngine,
  runId: string,
  plan: { name: string; tasks: WrittenTask[] },
  graph: Pick<Graph, 'tasks'>,
): Promise<WrittenPlan> {
  const run = await engine.getRun(runId);
  const details = new Map<string, Task>();
  for (let cursor: string | undefined; ; ) {
    const page = await engine.listTasks({ runId, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    for (const task of page.tasks) details.set(task.id, task);
    if (page.nextCursor === null) break;
    cursor = page.nextCursor;
  }
  return {
    name: plan.name,
    description: run.description,
    run: settingsOf(run.config),
    tasks: plan.tasks.map((task, place) => {
      const detail = details.get(graph.tasks[place]?.id ?? '');
      if (detail === undefined) return task;
      const { description, acceptanceCriteria, maxAttempts, backoff, timeoutSeconds, metadata } = detail;
      return { ...task, description, acceptanceCriteria, maxAttempts, backoff, timeoutSeconds, metadata };
    }),
  };
}

function settingsOf({ maxAgentsPerWave, timeoutSeconds, ...config }: RunConfig): PlanRun {
  return {
    ...config,
    ...(maxAgentsPerWave === null ? {} : { maxAgentsPerWave }),
    ...(timeoutSeconds === null ? {} : { timeoutSeconds }),
  };
}

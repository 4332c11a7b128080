import { formatId, type Run, type RunTask } from '@neolith/contracts';
import type { PoolClient } from 'pg';
import { forecastRun, type RunForecast } from '../../domain/forecastRun.js';
import {
  assignWaves,
  type BuiltGraph,
  buildGraph,
  idsOf,
  neighboursOf,
  type Waves,
} from '../../domain/graph/index.js';
import { type RunEdgeRow, type RunTaskRow, readRunEdges, readRunTasks } from '../../store/readRun.js';

/** A run's graph as it stands now, with what follows from it. */
export interface RunGraphView {
  tasks: RunTask[];
  rows: RunTaskRow[];
  built: BuiltGraph;
  /** `[dependent, prerequisite]` by place in `tasks`. */
  edges: [number, number][];
  outside: RunEdgeRow[];
  waves: Waves;
  waveIds: string[][];
  forecast: RunForecast;
  criticalPath: { taskIds: string[]; seconds: number };
}

/** Reads tasks and edges of a run within a transaction, and derives waves, critical path and slack. */
export async function readRunGraph(client: PoolClient, runUuid: string, run: Run): Promise<RunGraphView> {
  const rows = await readRunTasks(client, runUuid);
  const edgeRows = await readRunEdges(client, runUuid);
  const dependsOn = new Map<string, string[]>(rows.map((row) => [row.id, []]));
  const outside: RunEdgeRow[] = [];
  for (const edge of edgeRows) {
    if (edge.outside !== null) outside.push(edge);
    else dependsOn.get(edge.dependent_id)?.push(edge.prerequisite_id);
  }
  const built = buildGraph(rows.map((row) => ({ id: row.id, dependsOn: dependsOn.get(row.id) ?? [] })));
  const { graph } = built;
  const waves = assignWaves(graph);
  const forecast = forecastRun(
    graph,
    rows.map((row) => ({
      status: row.status,
      progress: row.progress,
      estimateMinutes: row.estimate_minutes,
      claimedAt: row.claimed_at,
      finishedAt: row.finished_at,
    })),
    slotsOf(run),
  );
  const critical = new Set(forecast.criticalPath);
  const format = (id: string) => formatId('task', id);
  return {
    rows,
    built,
    outside,
    waves,
    forecast,
    tasks: rows.map((row, node) => ({
      id: format(row.id),
      title: row.title,
      sourceId: row.source_id,
      parentId: row.parent_id === null ? null : format(row.parent_id),
      orchestratorId: row.orchestrator_id === null ? null : formatId('orchestrator', row.orchestrator_id),
      status: row.status,
      priority: row.priority,
      wave: waves.waveOf[node] as number,
      progress: row.progress,
      estimateMinutes: row.estimate_minutes,
      dueAt: row.due_at,
      blockedReason: row.blocked_reason,
      tags: row.tags,
      critical: critical.has(node),
      slackSeconds: forecast.slack[node] as number,
    })),
    edges: rows.flatMap((_, node) =>
      Array.from(neighboursOf(graph.prerequisites, node), (prerequisite): [number, number] => [
        node,
        prerequisite,
      ]),
    ),
    waveIds: Array.from({ length: waves.count }, (_, wave) =>
      idsOf(graph, neighboursOf(waves.nodesByWave, wave)).map(format),
    ),
    criticalPath: {
      taskIds: idsOf(graph, forecast.criticalPath).map(format),
      seconds: forecast.chainSeconds,
    },
  };
}

/** How many tasks of a run can be in progress at once. */
export function slotsOf(run: Run): number {
  const { maxConcurrentTasks, waves, maxAgentsPerWave } = run.config;
  return waves === 'strict' && maxAgentsPerWave !== null
    ? Math.min(maxConcurrentTasks, maxAgentsPerWave)
    : maxConcurrentTasks;
}

import type { NeolithClient, Orchestrator, Run } from '@neolith/contracts';
import { plainLine } from '../process/plainLine.js';
import { CoordinatorError } from './coordinatorError.js';
import { listOrchestrators } from './findOrchestrators.js';

/** Whose open tasks the run holds, nobody's where none is open, and what stands in the way of as many agents as there may be. */
export async function findServed(
  client: NeolithClient,
  run: Run,
  agents: number,
  signal: AbortSignal,
): Promise<{ ids: string[]; hints: string[] }> {
  const { tasks } = await client.getRunSnapshot({ params: { id: run.id }, timeoutMs: 60_000, signal });
  const open = tasks.filter(({ status }) => !['DONE', 'CANCELLED', 'FAILED'].includes(status));
  const ids = [...new Set(open.flatMap(({ orchestratorId }) => orchestratorId ?? []))].sort();
  const orchestrators = await listOrchestrators(client);
  const nobodys = open.filter(({ orchestratorId }) => orchestratorId === null).length;
  if (nobodys > 0) {
    const names = orchestrators.map(({ name }) => plainLine(name)).join(', ');
    throw new CoordinatorError(
      'TASKS_UNASSIGNED',
      `${nobodys} of ${open.length} open tasks belong to nobody, so the run was not started. Name an orchestrator for them when the plan is stored. There ${names === '' ? 'is no orchestrator yet' : `are: ${names}`}.`,
    );
  }
  if (open.length === 0) return { ids, hints: [] };
  const serving = orchestrators.filter(({ id }) => ids.includes(id));
  return { ids, hints: describeObstacles(serving, run, agents) };
}

/** Why fewer agents than there may be will work. Pure. */
function describeObstacles(serving: readonly Orchestrator[], run: Run, agents: number): string[] {
  const away = serving.filter(({ status }) => status !== 'ONLINE' && status !== 'BUSY');
  const hints = away.map(
    ({ name, status }) =>
      `${plainLine(name)} is ${status.toLowerCase()} and gets no work until that changes.`,
  );
  const room = serving.reduce((sum, { maxConcurrentTasks }) => sum + maxConcurrentTasks, 0);
  if (room < agents && room < run.counts.total) {
    const names = serving.map(({ name }) => plainLine(name)).join(', ');
    hints.push(
      `${names} ${serving.length === 1 ? 'does' : 'do'} at most ${room} tasks at once (maxConcurrentTasks), so ${agents} agents won't all be busy.`,
    );
  }
  return hints;
}

import { type EngineEvent, parseId } from '@neolith/contracts';
import type { Pool } from 'pg';

export interface RunHistoryReport {
  violations: string[];
  events: number;
  claims: number;
  done: number;
  lost: number;
  mostAtOnce: number;
  mostMergesAtOnce: number;
}

/**
 * Compares the history of a run, as it was read page by page, with the tables: every event once, in one order, every
 * change of status beginning where the one before ended and ending where the row stands; then replays it.
 * Needs watchDatabase on the database, whose record of changes is independent of the events.
 */
export async function checkRunHistory(
  pool: Pool,
  runId: string,
  history: readonly EngineEvent[],
): Promise<RunHistoryReport> {
  const uuid = parseId('run', runId);
  const report: RunHistoryReport = {
    violations: [],
    events: history.length,
    claims: 0,
    done: 0,
    lost: 0,
    mostAtOnce: 0,
    mostMergesAtOnce: 0,
  };
  const violate = (what: string): void => void report.violations.push(what);

  const { rows: stored } = await pool.query<{ number: string }>(
    'SELECT seq::text AS number FROM events WHERE run_id = $1 ORDER BY xid, seq',
    [uuid],
  );
  const given = history.map(({ cursor }) => cursor.split('.')[2]);
  if (given.join() !== stored.map(({ number }) => number).join())
    violate(`The pages give ${given.length} events, the table has ${stored.length}, or in another order`);

  const told = new Map<string, string[]>();
  const running = new Set<string>();
  const granted = new Set<string>();
  const completions = new Map<string, number>();
  let paused = false;
  for (const event of [...history].sort((a, b) => sequence(a) - sequence(b))) {
    const { type, taskId, from, to } = event;
    if (type === 'task.claimed') report.claims += 1;
    if (type === 'task.lease_lost') report.lost += 1;
    if (taskId === null) {
      if (to === 'PAUSED') paused = true;
      if (to === 'RUNNING') paused = false;
    } else {
      if (type === 'task.claimed' && paused) violate(`${taskId} was handed out while the run was paused`);
      if (type === 'task.merge_granted') granted.add(taskId);
      if (from === 'MERGING') granted.delete(taskId);
      if (from === 'IN_PROGRESS') running.delete(taskId);
      if (to === 'IN_PROGRESS') running.add(taskId);
      if (to === 'DONE') completions.set(taskId, (completions.get(taskId) ?? 0) + 1);
      report.mostAtOnce = Math.max(report.mostAtOnce, running.size);
      report.mostMergesAtOnce = Math.max(report.mostMergesAtOnce, granted.size);
    }
    if (from === null || to === null || from === to) continue;
    const entity = (taskId === null ? uuid : parseId('task', taskId)) as string;
    told.set(entity, [...(told.get(entity) ?? []), `${from} → ${to}`]);
  }

  const { rows: moves } = await pool.query<{ entity: string; moves: string[] }>(
    `SELECT entity, array_agg(was || ' → ' || becomes ORDER BY n) AS moves FROM watch.moves
     WHERE entity = $1 OR entity IN (SELECT id FROM tasks WHERE run_id = $1) GROUP BY entity`,
    [uuid],
  );
  if (moves.length !== told.size) violate(`${moves.length} rows moved, the history tells of ${told.size}`);
  for (const row of moves) {
    const known = told.get(row.entity) ?? [];
    if (known.join() !== row.moves.join())
      violate(`${row.entity} went ${row.moves.join()}; told is ${known.join()}`);
  }

  const { rows: tasks } = await pool.query<{ id: string; status: string }>(
    'SELECT id, status FROM tasks WHERE run_id = $1',
    [uuid],
  );
  for (const { id, status } of tasks) {
    const times = completions.get(`task_${id}`) ?? 0;
    report.done += times;
    if (times !== 1 || status !== 'DONE') violate(`task_${id} is ${status} and was done ${times} times`);
  }
  return report;
}

/** The number that each event was given when it was written. */
function sequence({ cursor }: EngineEvent): number {
  return Number(cursor.split('.')[2]);
}

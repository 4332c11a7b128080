import type { RunStatus } from '@neolith/contracts';
import { type Connection, run } from './sql.js';

/** How the run of a task stands to its being started. */
export interface RunGate {
  name: string;
  status: RunStatus;
  /** Free task slots; zero or less: none. */
  room: number;
  wave: number;
  /** Its wave has not opened yet. */
  isHeld: boolean;
}

const STATEMENT = {
  name: 'run_gate',
  text: `SELECT r.name, r.status, run_room(r) AS room, t.wave, coalesce(held_until(NULL, t.wave, r) > $2, false) AS "isHeld"
         FROM tasks t JOIN runs r ON r.id = t.run_id WHERE t.id = $1`,
};

/** Null: the task is in no run. */
export async function readRunGate(
  connection: Connection,
  taskId: string,
  now: Date,
): Promise<RunGate | null> {
  return (await run<RunGate>(connection, STATEMENT, [taskId, now]))[0] ?? null;
}

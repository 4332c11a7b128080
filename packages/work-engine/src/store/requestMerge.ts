import type { Pool } from 'pg';
import { runAlone } from './sql.js';

const STATEMENT = { name: 'request_merge', text: 'SELECT * FROM request_merge($1, $2, $3, $4)' };

export interface MergeTurnRow {
  code: null | 'ATTEMPT_NOT_FOUND' | 'LEASE_LOST' | 'NOT_MERGING';
  task_id: string | null;
  granted_at: Date | null;
  place: number | null;
  cancel_requested: boolean;
}

/** Grants the merge slot to an attempt if it is its turn, and says where it stands otherwise. */
export async function requestMergeTurn(
  pool: Pool,
  input: { attemptId: string; workspaceId: string | null; actor: string; now: Date | null },
): Promise<MergeTurnRow> {
  const rows = await runAlone<MergeTurnRow>(pool, STATEMENT, [
    input.attemptId,
    input.workspaceId,
    input.actor,
    input.now,
  ]);
  return rows[0] as MergeTurnRow;
}

import type { AttemptStatus, LogStream } from '@neolith/contracts';
import { type Connection, run } from './sql.js';

const READ = {
  name: 'read_attempt_log',
  // One row a chunk, and one without a chunk where there is none; no row at all: no such attempt here.
  text: `
    WITH attempt AS MATERIALIZED (
      SELECT task_id, 'RUNNING'::attempt_status AS status, false AS is_over FROM leases
      WHERE attempt_id = $1 AND ($2::uuid IS NULL OR workspace_id = $2)
      UNION ALL
      -- From here on append_attempt_log takes nothing any more.
      SELECT task_id, status, status = 'LOST' OR ended_at < engine_now($7) - interval '10 minutes' FROM attempts
      WHERE id = $1 AND ($2::uuid IS NULL OR workspace_id = $2)
      LIMIT 1
    ), tailed AS (
      SELECT c.seq, c.lines, sum(c.lines) OVER (ORDER BY c.seq DESC) AS lines_on FROM attempt_log_chunks c
      WHERE c.attempt_id = $1 AND $4::int IS NOT NULL
    ), start AS MATERIALIZED (
      SELECT coalesce(min(t.seq) - 1, (SELECT g.last_seq FROM attempt_logs g WHERE g.attempt_id = $1), 0) AS after,
             greatest(coalesce(sum(t.lines), 0) - $4, 0)::int AS skip
      FROM tailed t WHERE t.lines_on - t.lines < $4
    ), place AS MATERIALIZED (
      SELECT CASE WHEN $4::int IS NULL THEN $3::int ELSE s.after END AS after, s.skip FROM start s
    ), page AS MATERIALIZED (
      -- One more than fits, to tell whether there is more.
      SELECT c.*, row_number() OVER (ORDER BY c.seq) AS n, sum(c.bytes) OVER (ORDER BY c.seq) AS bytes_on FROM attempt_log_chunks c
      WHERE c.attempt_id = $1 AND c.seq > (SELECT p.after FROM place p)
      ORDER BY c.seq LIMIT $5::int + 1
    ), shown AS MATERIALIZED (
      SELECT * FROM page c WHERE c.n = 1 OR (c.n <= $5 AND c.bytes_on <= $6)
    )
    SELECT a.task_id, a.status, a.is_over, p.after, p.skip, (SELECT count(*) FROM page) > (SELECT count(*) FROM shown) AS more, g.tail_seq, g.gap_bytes::float8, g.kept_bytes,
           g.dropped_bytes::float8 AS dropped_in_all, g.complete, c.seq, c.at, c.dropped_bytes::float8, c.entries
    FROM attempt a CROSS JOIN place p LEFT JOIN attempt_logs g ON g.attempt_id = $1
    LEFT JOIN shown c ON true
    ORDER BY c.seq`,
};

/** From `tail_seq` on null where nothing was printed yet, from `seq` on also where the page is empty. */
export interface LogRow {
  task_id: string;
  status: AttemptStatus;
  /** Nothing can be stored for it any more. */
  is_over: boolean;
  /** The page begins after this chunk, and without so many lines of its first one. */
  after: number;
  skip: number;
  more: boolean;
  tail_seq: number | null;
  gap_bytes: number | null;
  kept_bytes: number | null;
  dropped_in_all: number | null;
  complete: boolean | null;
  seq: number | null;
  at: Date | null;
  dropped_bytes: number | null;
  entries: [LogStream, string][] | null;
}

/** The chunks after one, or those with the last lines, as far as a page goes: so many chunks, so many bytes. */
export async function readLogRows(
  connection: Connection,
  input: {
    attemptId: string;
    workspaceId: string | null;
    after: number;
    tailLines: number | null;
    limit: number;
    pageBytes: number;
    now: Date | null;
  },
): Promise<LogRow[]> {
  return run<LogRow>(connection, READ, [
    input.attemptId,
    input.workspaceId,
    input.after,
    input.tailLines,
    input.limit,
    input.pageBytes,
    input.now,
  ]);
}

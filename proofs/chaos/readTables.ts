import pg from 'pg';

export interface TaskRow {
  readonly id: string;
  readonly title: string;
  readonly status: string;
  readonly runId: string;
}

export interface AttemptRow {
  readonly id: string;
  readonly taskId: string;
  readonly status: string;
  readonly failureClass: string | null;
}

export interface EventRow {
  readonly type: string;
  readonly taskId: string | null;
  readonly runId: string | null;
  readonly attemptId: string | null;
  readonly from: string | null;
  readonly to: string | null;
}

/** The database as it is when all is over; ids as the API has them. */
export interface Tables {
  readonly tasks: readonly TaskRow[];
  readonly runs: readonly { readonly id: string; readonly status: string }[];
  readonly attempts: readonly AttemptRow[];
  /** In the order in which they were written. */
  readonly events: readonly EventRow[];
  /** Rows of tables that hold what is under way: all must be 0. */
  readonly underWay: ReadonlyMap<string, number>;
}

const UNDER_WAY = [
  'leases',
  'merges',
  'resource_holds',
  'resource_waits',
  'ready_tasks',
  'delayed_tasks',
  'blocked_tasks',
];

/** Reads with SQL of its own, not with the engine that is on trial. */
export async function readTables(url: string): Promise<Tables> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    const read = async <Row extends object>(text: string): Promise<Row[]> =>
      (await client.query<Row>(text)).rows;
    const counts: [string, number][] = [];
    // One after another: a connection does one thing at a time.
    for (const table of UNDER_WAY) {
      const [row] = await read<{ amount: number }>(`SELECT count(*)::int AS amount FROM ${table}`);
      counts.push([table, row?.amount ?? 0]);
    }
    return {
      tasks: await read(
        `SELECT 'task_' || id AS id, title, status::text AS status, 'run_' || run_id AS "runId" FROM tasks`,
      ),
      runs: await read(`SELECT 'run_' || id AS id, status::text AS status FROM runs`),
      attempts: await read(
        `SELECT 'att_' || id AS id, 'task_' || task_id AS "taskId", status::text AS status,
                failure_class::text AS "failureClass" FROM attempts`,
      ),
      events: await read(
        `SELECT type, 'task_' || task_id AS "taskId", 'run_' || run_id AS "runId", 'att_' || attempt_id AS "attemptId",
                "from", "to" FROM events ORDER BY seq`,
      ),
      underWay: new Map(counts),
    };
  } finally {
    await client.end();
  }
}

/** Sessions of others that are left when everybody has gone, and advisory locks. */
export async function readSessions(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    const { rows } = await client.query<{ what: string }>(
      `SELECT 'a session ' || coalesce(application_name, '') || ' (' || coalesce(state, '') || '): ' || left(query, 100) AS what
         FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
       UNION ALL SELECT 'an advisory lock of process ' || pid FROM pg_locks WHERE locktype = 'advisory'`,
    );
    return rows.map(({ what }) => what);
  } finally {
    await client.end();
  }
}

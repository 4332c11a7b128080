import { describe, expect, test } from 'vitest';
import { createFixture } from './support/engineFixture.js';

const STATEMENT_TIMEOUT_MS = 500;
const fixture = createFixture({ statementTimeoutMs: STATEMENT_TIMEOUT_MS, poolSize: 6 });

/** Holds what a statement locks until the work is done. */
async function whileLocked<Result>(
  lock: string,
  values: string[],
  work: () => Promise<Result>,
): Promise<Result> {
  const client = await fixture.test.database.pool.connect();
  try {
    await client.query('BEGIN');
    await client.query(lock, values);
    return await work();
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

async function bareId(table: 'orchestrators' | 'tasks', column: string, value: string): Promise<string> {
  const { rows } = await fixture.test.database.pool.query<{ id: string }>(
    `SELECT id FROM ${table} WHERE ${column} = $1`,
    [value],
  );
  return rows[0]?.id as string;
}

describe('calls that wait for a lock that somebody else holds', () => {
  test('fail together, and not each after a time-out of its own', async () => {
    const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 100 });
    for (let made = 0; made < 12; made += 1) await fixture.task(orchestrator);
    const id = await bareId('orchestrators', 'name', orchestrator.name);

    const begun = performance.now();
    const answers = await whileLocked('SELECT 1 FROM orchestrators WHERE id = $1 FOR UPDATE', [id], () =>
      Promise.allSettled(Array.from({ length: 12 }, () => fixture.engine.claimNextTask(orchestrator.id))),
    );
    const took = performance.now() - begun;

    expect(answers.map((answer) => answer.status === 'rejected' && answer.reason.code)).toEqual(
      Array.from({ length: 12 }, () => '57014'),
    );
    // One for the batch, one for the first of its calls by itself; each by itself would take twelve more.
    expect(took).toBeLessThan(5 * STATEMENT_TIMEOUT_MS);
    const { claims } = await fixture.engine.claimNextTask(orchestrator.id, { max: 12 });
    expect(claims).toHaveLength(12);
  });

  test('end what is before them in their batch all the same', async () => {
    const orchestrator = await fixture.orchestrator({ maxConcurrentTasks: 100 });
    for (let made = 0; made < 5; made += 1) await fixture.task(orchestrator, { title: `Locked ${made}` });
    const { claims } = await fixture.engine.claimNextTask(orchestrator.id, { max: 5 });
    const id = await bareId('tasks', 'title', claims[4]?.task.title as string);

    const answers = await whileLocked('SELECT 1 FROM tasks WHERE id = $1 FOR UPDATE', [id], () =>
      Promise.allSettled(
        claims.map(({ task, attempt }) =>
          fixture.engine.completeTask(task.id, { status: 'completed', attemptId: attempt.id }),
        ),
      ),
    );

    expect(answers.map(({ status }) => status)).toEqual([...Array(4).fill('fulfilled'), 'rejected']);
    const last = claims[4] as (typeof claims)[number];
    const again = await fixture.engine.completeTask(last.task.id, {
      status: 'completed',
      attemptId: last.attempt.id,
    });
    expect(again).toMatchObject({ status: 'DONE', replayed: false });
  });
});

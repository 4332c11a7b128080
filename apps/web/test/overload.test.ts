import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { serverFixture } from './support/serverFixture';

const fixture = serverFixture();
/** What a lane of the engine lets wait, and what one call may end. */
const [WAITING, A_CALL] = [20_000, 100];

test('a server that has more to do than it can answer says 503 with Retry-After, and does what it took on', async () => {
  const tenant = await fixture.tenant();
  const token = await tenant.token();
  const orchestrator = await tenant.engine.createOrchestrator({ name: 'One', role: 'r', discipline: 'd' });
  const task = await tenant.engine.createTask({ title: 'Held', orchestratorId: orchestrator.id });
  const { claims } = await tenant.engine.claimNextTask(orchestrator.id);
  const attemptId = claims[0]?.attempt.id as string;
  const post = (path: string, body: object, signal?: AbortSignal) =>
    fixture.fetch(`/api/v1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      token,
      ...(signal === undefined ? {} : { signal }),
    });
  const completion = { status: 'completed', attemptId };
  const complete = (path: string) => post(path, completion);
  const unknown = () => ({ ...completion, taskId: `task_${randomUUID()}` });
  const together = () => post('/tasks/complete', { completions: Array.from({ length: A_CALL }, unknown) });
  const { pool } = fixture.test.database;
  const holder = await pool.connect();
  const waiting: Promise<Response>[] = [];
  try {
    // While the first end waits for the task's row, those that come after it gather.
    await holder.query('BEGIN');
    await holder.query('SELECT * FROM lock_task($1, NULL)', [task.id.slice('task_'.length)]);
    const first = complete(`/tasks/${task.id}/complete`);
    await expect
      .poll(async () => {
        const { rows } = await pool.query<{ n: number }>(
          `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        return rows[0]?.n;
      })
      .toBe(1);
    waiting.push(first, ...Array.from({ length: WAITING / A_CALL + 4 }, together));
    const early = await Promise.any(waiting);
    expect(early.status).toBe(503);

    const routed = await complete(`/tasks/${task.id.replace('_', '%5F')}/complete`);
    const direct = await complete(`/tasks/${task.id}/complete`);
    expect([direct.headers.get('vary'), routed.headers.get('vary')]).toEqual([null, expect.any(String)]);
    for (const refused of [early, routed, direct]) {
      expect(refused.status).toBe(503);
      expect(refused.headers.get('retry-after')).toBe('1');
      expect(refused.headers.get('content-type')).toBe('application/problem+json');
      expect(await refused.json()).toMatchObject({ status: 503, code: 'OVERLOADED' });
    }
    // Other work has lanes of its own.
    expect((await post(`/orchestrators/${orchestrator.id}/claim`, { requestId: 'other' })).status).toBe(200);
    await holder.query('ROLLBACK');
    expect((await first).status).toBe(200);
  } finally {
    holder.release(true);
  }
  const answers = await Promise.all(waiting.slice(1));
  const counts = new Map<number, number>();
  for (const { status } of answers) counts.set(status, (counts.get(status) ?? 0) + 1);
  expect(Object.fromEntries(counts)).toEqual({ 200: WAITING / A_CALL, 503: 4 });
  const again = await complete(`/tasks/${task.id}/complete`);
  expect([again.status, await again.json()]).toMatchObject([200, { replayed: true }]);
});

import { expect, test } from 'vitest';
import { serverFixture, type Tenant } from './support/serverFixture';

const fixture = serverFixture();

/** A tenant with so many tasks claimed. */
async function claimed(count: number) {
  const tenant = await fixture.tenant();
  const orchestrator = await tenant.engine.createOrchestrator({
    name: 'One',
    role: 'Engineer',
    discipline: 'Engineering',
    maxConcurrentTasks: 1_000,
  });
  const create = (amount: number) =>
    tenant.engine.createTasks(
      Array.from({ length: amount }, (_, index) => ({
        title: `${index}`,
        orchestratorId: orchestrator.id,
      })),
    );
  await create(count);
  const client = await tenant.client('work');
  const { claims } = await client.claimTasks({
    params: { id: orchestrator.id },
    body: { requestId: 'first', max: count },
  });
  expect(claims).toHaveLength(count);
  return { tenant, client, claims, create };
}

const completionOf = ({ task, attempt }: { task: { id: string }; attempt: { id: string } }) => ({
  taskId: task.id,
  attemptId: attempt.id,
  status: 'completed' as const,
});

async function statuses({ engine }: Tenant, ids: readonly string[]): Promise<string[]> {
  return Promise.all(ids.map(async (id) => (await engine.getTask(id)).status));
}

test('ends a hundred attempts in one call, each answered in its place', async () => {
  const { tenant, client, claims } = await claimed(100);
  const completions = claims.map(completionOf);
  const { results } = (await client.completeTasks({ body: { completions } })) ?? { results: [] };
  expect(results.map(({ taskId }) => taskId)).toEqual(completions.map(({ taskId }) => taskId));
  expect(results.every(({ settlement, problem }) => settlement?.status === 'DONE' && problem === null)).toBe(
    true,
  );
  const done = await statuses(
    tenant,
    claims.map(({ task }) => task.id),
  );
  expect(new Set(done)).toEqual(new Set(['DONE']));
});

test('one that is refused fails none of the others, and each is fenced as if it came alone', async () => {
  const { tenant, client, claims, create } = await claimed(5);
  const [unclaimed] = await create(1);
  const [first, second, third, stale, last] = claims.map(completionOf);
  if (!first || !second || !third || !stale || !last || !unclaimed) throw new Error('Not claimed');
  await tenant.engine.releaseAttempt(stale.attemptId);
  const absent = first.taskId.replace(/.{12}$/, '000000000000');
  const { results } = await client.completeTasks({
    body: {
      completions: [
        first,
        stale,
        { ...second, attemptId: third.attemptId },
        { ...first, taskId: absent },
        { ...third, status: 'failed', error: 'Red' },
        { ...last, taskId: unclaimed.id },
        last,
      ],
    },
  });
  expect(results.map(({ settlement, problem }) => settlement?.attemptStatus ?? problem?.code)).toEqual([
    'SUCCEEDED',
    'LEASE_LOST',
    'LEASE_LOST',
    'TASK_NOT_FOUND',
    'FAILED',
    'LEASE_LOST',
    'SUCCEEDED',
  ]);
  expect(
    await statuses(tenant, [first.taskId, stale.taskId, second.taskId, last.taskId, unclaimed.id]),
  ).toEqual(['DONE', 'TODO', 'IN_PROGRESS', 'DONE', 'TODO']);
});

test('the same call repeated gets the same answers and does nothing twice', async () => {
  const { tenant, client, claims } = await claimed(3);
  const body = { completions: claims.map(completionOf) };
  const once = await client.completeTasks({ body });
  // Counted and not read: events are read in the order of transactions, and so not before others' that are under way.
  const countEvents = async (): Promise<unknown> =>
    (
      await fixture.test.database.pool.query('SELECT count(*) FROM events WHERE workspace_id = $1', [
        tenant.workspaceId,
      ])
    ).rows;
  const before = await countEvents();
  const again = await client.completeTasks({ body });
  expect(again.results.map(({ settlement }) => settlement)).toEqual(
    once.results.map(({ settlement }) => ({ ...settlement, replayed: true })),
  );
  expect(await countEvents()).toEqual(before);
});

test('a task named twice in one call is ended once', async () => {
  const { client, claims } = await claimed(1);
  const [one] = claims.map(completionOf);
  if (one === undefined) throw new Error('Not claimed');
  const { results } = await client.completeTasks({ body: { completions: [one, one] } });
  expect(results.map(({ settlement }) => settlement?.replayed)).toEqual([false, true]);
});

test('a malformed one names its place, and nothing is done', async () => {
  const { tenant, client, claims } = await claimed(2);
  const completions = claims.map(completionOf);
  const broken = { ...completions[1], status: 'finished' } as unknown as (typeof completions)[number];
  const call = client.completeTasks({ body: { completions: [...completions.slice(0, 1), broken] } });
  await expect(call).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    message: expect.stringContaining('completions.1.status'),
  });
  expect(
    await statuses(
      tenant,
      claims.map(({ task }) => task.id),
    ),
  ).toEqual(['IN_PROGRESS', 'IN_PROGRESS']);
});

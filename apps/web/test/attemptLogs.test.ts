import { expect, test } from 'vitest';
import { serverFixture } from './support/serverFixture';

const fixture = serverFixture();

async function begun() {
  const tenant = await fixture.tenant();
  const orchestrator = await tenant.engine.createOrchestrator({ name: 'One', role: 'r', discipline: 'd' });
  const task = await tenant.engine.createTask({ title: 'Logged', orchestratorId: orchestrator.id });
  const { claims } = await tenant.engine.claimNextTask(orchestrator.id, { leaseSeconds: 600 });
  const attempt = claims[0]?.attempt.id as string;
  return { tenant, task, attempt, client: await tenant.client(), token: await tenant.token() };
}

const out = (text: string) => [{ stream: 'stdout' as const, text }];

async function post(attempt: string, token: string, body: string) {
  const response = await fixture.fetch(`/api/v1/attempts/${attempt}/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    token,
  });
  return { status: response.status, body: await response.json() };
}

test('a reader that waits is answered when something comes, and when the attempt ends', async () => {
  const { tenant, task, attempt, client } = await begun();
  const params = { id: attempt };
  const waiting = client.readAttemptLog({ params, query: { waitSeconds: 20 } });
  const begunAt = performance.now();
  await client.appendAttemptLog({ params, body: { sequence: 1, entries: out('one') } });
  const first = await waiting;
  expect(first.chunks.map(({ entries }) => entries)).toEqual([out('one')]);
  const again = client.readAttemptLog({ params, query: { after: first.next, waitSeconds: 20 } });
  await tenant.engine.completeTask(task.id, { status: 'failed', error: 'no', attemptId: attempt });
  expect(await again).toMatchObject({ status: 'FAILED', chunks: [], complete: false });
  expect(performance.now() - begunAt).toBeLessThan(15_000);
});

test('whatever was printed comes back as JSON that every reader can read', async () => {
  const { attempt, client, token } = await begun();
  const body = `{"sequence":1,"entries":[{"stream":"stderr","text":"a\\u0000b\\ud800\\u001b[2Jc <script>\\r"}]}`;
  expect(await post(attempt, token, body)).toMatchObject({ status: 200, body: { stored: true } });
  const page = await client.readAttemptLog({ params: { id: attempt }, query: {} });
  expect(page.chunks[0]?.entries).toEqual([{ stream: 'stderr', text: 'ab\ufffdc <script>' }]);
});

test('malformed chunks and ranges are refused with the field that is wrong', async () => {
  const { attempt, token } = await begun();
  const refused: [string, number, string][] = [
    ['{}', 400, 'sequence'],
    ['{"sequence":0,"entries":[]}', 400, 'sequence'],
    ['{"sequence":1e400,"entries":[]}', 400, 'sequence'],
    ['{"sequence":1,"entries":{}}', 400, 'entries'],
    ['{"sequence":1,"entries":[{"stream":"x","text":""}]}', 400, 'entries.0.stream'],
    ['{"sequence":1,"entries":[{"stream":"stdout","text":1}]}', 400, 'entries.0.text'],
    ['{"sequence":1,"entries":[],"more":1}', 400, 'more'],
    [JSON.stringify({ sequence: 1, entries: out('€'.repeat(200_000)) }), 400, 'entries'],
    [JSON.stringify({ sequence: 1, entries: Array(2_001).fill(out('')[0]) }), 400, 'entries'],
  ];
  for (const [body, status, path] of refused) {
    const answer = await post(attempt, token, body);
    expect([body.slice(0, 60), answer.status, answer.body.errors?.[0]?.path]).toEqual([
      body.slice(0, 60),
      status,
      path,
    ]);
  }
  expect(
    (await post(attempt, token, `{"sequence":1,"entries":[],"x":"${'x'.repeat(5_000_000)}"}`)).status,
  ).toBe(413);
  for (const query of [
    'after=-1',
    'after=1.5',
    'after=x',
    'tail=1&after=1',
    'limit=501',
    'waitSeconds=26',
    'x=1',
  ]) {
    const response = await fixture.fetch(`/api/v1/attempts/${attempt}/logs?${query}`, { token });
    expect([query, response.status]).toEqual([query, 400]);
    await response.body?.cancel();
  }
});

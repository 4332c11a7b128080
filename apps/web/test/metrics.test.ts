import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { PROCESS_METRICS, SCRAPE_METRICS } from '@/server/metrics/metricTable';
import { openStream } from './support/openStream';
import { rawRequest } from './support/rawRequest';
import { serverFixture } from './support/serverFixture';

const fixture = serverFixture();

type Series = Map<string, number>;

/** Reads the text form, and refuses what a scraper would refuse. */
function read(text: string): Series {
  const series: Series = new Map();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# HELP ') || line.startsWith('# TYPE ')) continue;
    const found = /^([a-zA-Z_:][\w:]*(?:\{(?:\w+="(?:[^"\\]|\\["\\n])*",?)*\})?) (\S+)$/.exec(line);
    if (found === null) throw new Error(`No sample: ${line}`);
    if (series.has(found[1] as string)) throw new Error(`Twice: ${line}`);
    series.set(found[1] as string, Number(found[2]));
  }
  return series;
}

async function scrape(token: string): Promise<Series> {
  const response = await fixture.fetch('/metrics', { token });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  return read(await response.text());
}

const of = (series: Series, name: string) => series.get(name) ?? 0;

test('scraping needs the scope metrics, on this machine too, and a host that is ours', async () => {
  const tenant = await fixture.tenant();
  expect((await fixture.fetch('/metrics')).status).toBe(401);
  for (const scope of ['read', 'write', 'work'] as const) {
    const response = await fixture.fetch('/metrics', { token: await tenant.token(scope) });
    expect([scope, response.status]).toEqual([scope, 403]);
    expect(await response.json()).toMatchObject({ code: 'FORBIDDEN' });
  }
  const token = await tenant.token('metrics');
  expect((await fixture.fetch('/metrics', { token })).status).toBe(200);
  expect((await fixture.fetch('/metrics', { token: await tenant.token('admin') })).status).toBe(200);
  // And it is good for nothing else.
  expect((await fixture.fetch('/api/v1/tasks', { token })).status).toBe(403);
  const foreign = await rawRequest(`${fixture.server.url}/metrics`, {
    method: 'GET',
    headers: { host: 'evil.example', authorization: `Bearer ${token}` },
  });
  expect(foreign.status).toBe(403);
});

test('claims, endings, calls and losses are counted once each', async () => {
  const tenant = await fixture.tenant();
  const token = await tenant.token('metrics');
  const client = await tenant.client();
  const orchestrator = await client.createOrchestrator({ body: { name: 'One', role: 'r', discipline: 'd' } });
  const daemon = await client.registerDaemon({
    body: { name: 'd', host: 'h', slots: 3, version: '1', orchestratorIds: [orchestrator.id] },
  });
  await client.createTasks({
    body: {
      tasks: ['A', 'B', 'C'].map((title) => ({ title, orchestratorId: orchestrator.id, maxAttempts: 1 })),
    },
  });
  const before = await scrape(token);
  const claim = (requestId: string, leaseSeconds: number, max = 1) =>
    client.claimTasks({
      params: { id: orchestrator.id },
      body: { daemonId: daemon.id, requestId, max, leaseSeconds, waitSeconds: 0 },
    });
  const { claims } = await claim('two', 60, 2);
  await claim('two', 60, 2);
  await claim('short', 1);
  await claim('none', 60);
  const [done, failed] = claims;
  if (done === undefined || failed === undefined) throw new Error('Two were claimed');
  await client.completeTask({
    params: { id: done.task.id },
    body: { status: 'completed', attemptId: done.attempt.id },
  });
  await client.completeTask({
    params: { id: failed.task.id },
    body: { status: 'failed', attemptId: failed.attempt.id, error: 'x', failureClass: 'agent' },
  });
  await expect(client.getTask({ params: { id: `task_${crypto.randomUUID()}` } })).rejects.toThrow();

  const deadline = performance.now() + 10_000;
  let after = await scrape(token);
  const grown = (name: string) => of(after, name) - of(before, name);
  // A sweep counts what it repaired at its end, after the attempts it ended.
  while (grown('neolith_repairs_total{kind="lease"}') < 1) {
    if (performance.now() > deadline) throw new Error('No lease was lost');
    await delay(100);
    after = await scrape(token);
  }
  expect({
    claimed: grown('neolith_claims_total{result="claimed"}'),
    repeated: grown('neolith_claims_total{result="repeated"}'),
    tasks: grown('neolith_claimed_tasks_total'),
    timed: grown('neolith_claim_seconds_count'),
    done: grown('neolith_attempts_ended_total{status="SUCCEEDED",failure_class=""}'),
    failed: grown('neolith_attempts_ended_total{status="FAILED",failure_class="agent"}'),
    lost: grown('neolith_attempts_ended_total{status="LOST",failure_class=""}'),
    leases: grown('neolith_leases_lost_total'),
    measured: grown('neolith_attempt_duration_seconds_count{status="SUCCEEDED"}'),
    repaired: grown('neolith_repairs_total{kind="lease"}'),
    claimCalls: grown('neolith_http_calls_total{endpoint="claimTasks",status="200"}'),
    claimSeconds: grown('neolith_http_call_seconds_count{endpoint="claimTasks"}'),
    missing: grown('neolith_http_calls_total{endpoint="getTask",status="404"}'),
    parked: grown('neolith_tasks_parked_total'),
  }).toEqual({
    claimed: 2,
    repeated: 1,
    tasks: 3,
    timed: 4,
    done: 1,
    failed: 1,
    lost: 1,
    leases: 1,
    measured: 1,
    repaired: 1,
    claimCalls: 4,
    claimSeconds: 4,
    missing: 1,
    parked: 1,
  });
  expect(of(after, 'neolith_loop_rounds_total{loop="sweep",outcome="done"}')).toBeGreaterThan(0);
  expect(of(after, 'process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
});

test('queues are those of the token alone, and a name can not forge a line', async () => {
  const [tenant, stranger] = [await fixture.tenant(), await fixture.tenant()];
  const name = 'A "quoted"\\name\nneolith_forged 1';
  const own = await tenant.engine.createOrchestrator({
    name: name.replace('\n', ' '),
    role: 'r',
    discipline: 'd',
  });
  const theirs = await stranger.engine.createOrchestrator({ name: 'Theirs', role: 'r', discipline: 'd' });
  for (let n = 0; n < 3; n += 1) await tenant.engine.createTask({ title: 'T', orchestratorId: own.id });
  const response = await fixture.fetch('/metrics', { token: await tenant.token('metrics') });
  const text = await response.text();
  const series = read(text);
  const queues = [...series.keys()].filter((key) => key.startsWith('neolith_queue_tasks{'));
  expect(queues).toHaveLength(4);
  expect(of(series, queues.find((key) => key.includes('state="ready"')) as string)).toBe(3);
  expect(text).toContain(own.id);
  expect(text).not.toContain(theirs.id);
  expect(text).not.toContain('Theirs');
  expect(series.has('neolith_forged')).toBe(false);
  expect(of(series, 'neolith_database_up')).toBe(1);
  expect(of(series, 'neolith_database_pool_max_connections{pool="ordinary"}')).toBe(10);
  expect(of(series, 'neolith_database_pool_max_connections{pool="vital"}')).toBe(2);
  expect(of(series, 'neolith_database_pool_max_connections{pool="keyed"}')).toBe(4);
  expect(of(series, 'neolith_runs_open{status="QUARANTINED"}')).toBe(0);

  // Within ten seconds the same figures again, whatever happens meanwhile: scraping is not a load.
  await tenant.engine.createTask({ title: 'T', orchestratorId: own.id });
  const again = await scrape(await tenant.token('metrics'));
  expect(of(again, queues.find((key) => key.includes('state="ready"')) as string)).toBe(3);
  expect(of(again, 'neolith_queue_figures_age_seconds')).toBeGreaterThan(0);
});

test('breakers, resources and who waits for them are told of, those of the token alone', async () => {
  const [tenant, stranger] = [await fixture.tenant(), await fixture.tenant()];
  const { engine } = tenant;
  const orchestrator = await engine.createOrchestrator({ name: 'One', role: 'r', discipline: 'd' });
  await engine.createTask({ title: 'T', orchestratorId: orchestrator.id, resources: ['port:1', 'port:2'] });
  await engine.claimNextTask(orchestrator.id);
  await engine.forceBreaker({ agent: 'claude', provider: 'anthropic', to: 'open', reason: 'by hand' });
  const series = await scrape(await tenant.token('metrics'));
  const statuses = ['closed', 'open', 'half_open'].map((status) =>
    of(series, `neolith_breaker_status{agent="claude",provider="anthropic",status="${status}"}`),
  );
  expect(statuses).toEqual([0, 1, 0]);
  expect(of(series, 'neolith_resources_held')).toBe(2);
  expect(series.get('neolith_resource_waits{who="attempts"}')).toBe(0);
  const theirs = await scrape(await stranger.token('metrics'));
  expect(theirs.get('neolith_resources_held')).toBe(0);
  expect([...theirs.keys()].filter((key) => key.startsWith('neolith_breaker_status{'))).toEqual([]);
});

test('open streams are counted while they are open', async () => {
  const tenant = await fixture.tenant();
  const token = await tenant.token();
  const name = 'neolith_event_streams_open{stream="events"}';
  const before = of(await scrape(token), name);
  const streams = await Promise.all(
    [1, 2, 3].map(() => openStream(`${fixture.server.url}/api/v1/events`, { token })),
  );
  for (const stream of streams) await stream.until(() => stream.lastId() !== undefined);
  expect(of(await scrape(token), name)).toBe(before + 3);
  for (const stream of streams) stream.close();
  const deadline = performance.now() + 10_000;
  while (of(await scrape(token), name) !== before) {
    if (performance.now() > deadline) throw new Error('Streams that are closed still count');
    await delay(50);
  }
});

test('every metric of the table is told of, by the name, type and labels it has there', async () => {
  const tenant = await fixture.tenant();
  const text = await (await fixture.fetch('/metrics', { token: await tenant.token('metrics') })).text();
  const rows = [...Object.values(PROCESS_METRICS), ...Object.values(SCRAPE_METRICS)];
  for (const { name, type } of rows) expect(text).toContain(`# TYPE ${name} ${type}\n`);
  const known = new Set(rows.map(({ name }) => name as string));
  for (const [, name] of text.matchAll(/^# TYPE (neolith_\S+) /gm)) expect(known).toContain(name);
});

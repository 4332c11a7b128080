import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createTestDatabase } from '@neolith/database/testing';
import { createWorkEngine, type WorkEngine } from '@neolith/work-engine';
import { expect, onTestFinished, test } from 'vitest';
import { startServer } from '../../apps/web/test/startServer.js';

const neolith = fileURLToPath(new URL('../../packages/cli/bin/neolith.js', import.meta.url));

interface Span {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly attributes: Readonly<Record<string, string>>;
}

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number | string };
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<Span, 'service' | 'attributes'> & {
        readonly attributes: readonly Attribute[];
      })[];
    }[];
  }[];
}

const read = (attributes: readonly Attribute[]) =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [key, String(value.stringValue ?? value.intValue ?? '')]),
  );

/** A collector: takes OTLP over HTTP, as JSON. */
async function startCollector() {
  const spans: Span[] = [];
  const paths = new Set<string>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    paths.add(request.url ?? '');
    const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Export;
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = read(resource.attributes)['service.name'] ?? '';
      for (const span of scopeSpans.flatMap((scope) => scope.spans)) {
        spans.push({
          service,
          name: span.name,
          traceId: span.traceId,
          spanId: span.spanId,
          parentSpanId: span.parentSpanId ?? '',
          attributes: read(span.attributes),
        });
      }
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, spans, paths, close: () => server.close() };
}

async function until(what: string, look: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + 40_000;
  while (!(await look())) {
    if (performance.now() > deadline) throw new Error(`Waited in vain for ${what}`);
    await delay(50);
  }
}

/** A server, a daemon with a shell agent, and one task that it does; of a run that merges, where that is asked for. */
async function doOneTask(
  variables: { server: Record<string, string>; daemon: Record<string, string> },
  { mergeStage = false } = {},
) {
  const home = await mkdtemp(join(tmpdir(), 'neolith-traces-'));
  const database = await createTestDatabase();
  const server = await startServer({ databaseUrl: database.url, home, env: variables.server });
  const engine = createWorkEngine(database.database);
  const { rows } = await database.database.pool.query(`SELECT id FROM workspaces WHERE slug = 'default'`);
  const own = engine.as({ workspaceId: `ws_${rows[0].id}` });
  const child = spawn(
    process.execPath,
    [neolith, 'daemon', '--name', 'traced', '--all', '--shell-command', 'echo "progress: 50%"; sleep 0.2'],
    {
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        NEOLITH_HOME: join(home, 'daemon'),
        NEOLITH_URL: server.url,
        NEOLITH_TOKEN: await server.token(),
        ...variables.daemon,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    log += part;
  });
  const gone = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await gone;
    await server.stop('SIGKILL');
    await engine.close();
    await database.drop();
    await rm(home, { recursive: true, force: true });
  });
  const orchestrator = await own.createOrchestrator({
    name: 'One',
    role: 'r',
    discipline: 'd',
    status: 'ONLINE',
  });
  const task = mergeStage
    ? await createMerged(own, orchestrator.id)
    : await own.createTask({ title: 'Traced', orchestratorId: orchestrator.id });
  await until('the end of the task', async () => (await own.getTask(task.id)).status === 'DONE');
  const [attempt] = (await own.getTask(task.id)).attempts;
  child.kill('SIGTERM');
  await gone;
  return { taskId: task.id, attemptId: attempt?.id ?? '', log: () => log, server };
}

async function createMerged(engine: WorkEngine, orchestratorId: string): Promise<{ id: string }> {
  const run = await engine.createRun({
    name: 'Merges',
    orchestratorId,
    config: { mergeStage: true },
    tasks: [{ title: 'Traced' }],
  });
  await engine.startRun(run.id);
  const { tasks } = await engine.listTasks({ runId: run.id });
  return { id: tasks[0]?.id ?? '' };
}

test('a task is one trace, from its claim on the server through the daemon to its end on the server', async () => {
  const collector = await startCollector();
  onTestFinished(() => void collector.close());
  const variables = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '200' };
  const { taskId, attemptId, log } = await doOneTask({
    server: variables,
    daemon: { ...variables, OTEL_SERVICE_NAME: 'my-daemon' },
  });
  const of = (name: string) => collector.spans.filter((span) => span.name === name);
  await until('the spans', () => of('completeTask').length > 0 && of('attempt').length > 0);
  expect([...collector.paths]).toEqual(['/v1/traces']);

  const [claim] = of('claim');
  if (claim === undefined) throw new Error('No claim');
  expect(claim).toMatchObject({ service: 'neolith-web', parentSpanId: '' });
  expect(claim.attributes).toMatchObject({ 'neolith.task.id': taskId, 'neolith.attempt.id': attemptId });
  // All that is known of it is one trace; and there is no other, for polls and heartbeats make none.
  expect(new Set(collector.spans.map(({ traceId }) => traceId))).toEqual(new Set([claim.traceId]));
  const parentOf = (span: Span | undefined) =>
    collector.spans.find(({ spanId }) => spanId === span?.parentSpanId)?.name;
  const [attempt] = of('attempt');
  expect(attempt).toMatchObject({ service: 'my-daemon', parentSpanId: claim.spanId });
  expect(attempt?.attributes).toMatchObject({ 'neolith.attempt.result': 'completed' });
  for (const step of ['agent', 'commit', 'settle']) {
    expect(of(step)).toHaveLength(1);
    expect([step, parentOf(of(step)[0])]).toEqual([step, 'attempt']);
  }
  expect(of('completeTask')).toMatchObject([{ service: 'neolith-web' }]);
  expect(of('completeTask')[0]?.attributes['http.response.status_code']).toBe('200');
  expect(parentOf(of('completeTask')[0])).toBe('settle');
  expect(parentOf(of('updateTaskProgress')[0])).toBe('agent');
  // Whoever has a line of the log finds the trace.
  expect(log()).toContain(claim.traceId);
  // What the task is about is not in it.
  expect(JSON.stringify(collector.spans)).not.toContain('Traced');
});

test('the merge of a task is part of its trace, with the calls that it makes', async () => {
  const collector = await startCollector();
  onTestFinished(() => void collector.close());
  const variables = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '200' };
  await doOneTask({ server: variables, daemon: variables }, { mergeStage: true });
  const of = (name: string) => collector.spans.filter((span) => span.name === name);
  await until('the spans', () => of('completeMerge').length > 0 && of('attempt').length > 0);

  const parentOf = (span: Span | undefined) =>
    collector.spans.find(({ spanId }) => spanId === span?.parentSpanId)?.name;
  const [merge] = of('merge');
  expect(merge).toMatchObject({ service: 'neolith-daemon', traceId: of('claim')[0]?.traceId });
  expect(of('merge')).toHaveLength(1);
  expect(parentOf(merge)).toBe('attempt');
  // That the code is complete, and that it is merged.
  expect(of('settle').map(parentOf)).toEqual(['attempt', 'attempt']);
  expect(of('completeMerge')).toMatchObject([{ service: 'neolith-web', traceId: merge?.traceId }]);
  expect(new Set(collector.spans.map(({ traceId }) => traceId)).size).toBe(1);
});

test('a daemon that sends no traces itself still makes its calls part of the server’s', async () => {
  const collector = await startCollector();
  onTestFinished(() => void collector.close());
  await doOneTask({
    server: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '200' },
    daemon: {},
  });
  const of = (name: string) => collector.spans.filter((span) => span.name === name);
  await until('the end', () => of('completeTask').length > 0);
  expect(of('completeTask')[0]).toMatchObject({
    traceId: of('claim')[0]?.traceId,
    parentSpanId: of('claim')[0]?.spanId,
  });
  expect(of('attempt')).toEqual([]);
});

test('without a variable nothing is traced, and a collector that is away harms nobody', async () => {
  const { server, log } = await doOneTask({
    server: {},
    daemon: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' },
  });
  expect(server.output()).not.toContain('Traces are sent');
  expect(log()).toContain('Traces are sent');
});

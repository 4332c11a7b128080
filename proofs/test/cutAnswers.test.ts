import { createClient, isNeolithError, type NeolithClient } from '@neolith/contracts';
import { createTestDatabase, type TestDatabase } from '@neolith/database/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startServer, type TestServer } from '../../apps/web/test/startServer.js';
import { startTcpProxy, type TcpProxy } from '../chaos/tcpProxy.js';

let test: TestDatabase;
let server: TestServer;
let proxy: TcpProxy;
let direct: NeolithClient;
let cut: NeolithClient;

beforeAll(async () => {
  test = await createTestDatabase();
  server = await startServer({ databaseUrl: test.url });
  proxy = await startTcpProxy(() => server.port);
  const token = await server.token();
  direct = createClient({ baseUrl: server.url, token });
  // A connection kept alive would have been opened before the cut was asked for.
  const fetchOnce: typeof fetch = (input, init) =>
    fetch(input, { ...init, headers: { ...(init?.headers as Record<string, string>), connection: 'close' } });
  cut = createClient({ baseUrl: `http://127.0.0.1:${proxy.port}`, token, fetch: fetchOnce });
});
afterAll(async () => {
  await proxy?.close();
  await server?.stop();
  await test?.drop();
});

const isUnreachable = (error: unknown) => isNeolithError(error) && error.code === 'SERVER_UNREACHABLE';

/** The call through a proxy that cuts; it must be told as one without an answer, never as anything else. */
async function expectNoAnswer(cutAfter: number, call: () => Promise<unknown>): Promise<void> {
  proxy.cutNewAfter = cutAfter;
  await expect(call()).rejects.toSatisfy(isUnreachable);
  proxy.cutNewAfter = null;
}

// Before the first byte, within the status line, within the headers, within the body.
const CUTS = [0, 9, 120, 700];

it.each(CUTS)(
  'an answer cut after %i bytes changes nothing: the same claim and the same outcome come again, and no event twice',
  async (cutAfter) => {
    const orchestrator = await direct.createOrchestrator({
      body: { name: `Cut ${cutAfter}`, role: 'r', discipline: 'd', maxConcurrentTasks: 5 },
    });
    const { tasks } = await direct.createTasks({
      body: {
        tasks: [
          { key: 'first', title: 'First', orchestratorId: orchestrator.id },
          { key: 'next', title: 'Next', orchestratorId: orchestrator.id, dependsOn: ['first'] },
        ],
      },
    });
    const taskId = tasks[0]?.id ?? '';
    const daemon = await direct.registerDaemon({
      body: {
        name: `cut-${cutAfter}`,
        host: 'h',
        version: '0',
        slots: 2,
        agents: ['shell'],
        orchestratorIds: [orchestrator.id],
      },
    });
    const claim = (client: NeolithClient) =>
      client.claimTasks({
        params: { id: orchestrator.id },
        body: { daemonId: daemon.id, requestId: `cut-${cutAfter}`, max: 2 },
      });
    await expectNoAnswer(cutAfter, () => claim(cut));
    const first = await claim(cut);
    const again = await claim(direct);
    expect(first.claims.map(({ task }) => task.id)).toEqual([taskId]);
    expect(again.claims.map(({ attempt }) => attempt.id)).toEqual(
      first.claims.map(({ attempt }) => attempt.id),
    );

    const attemptId = first.claims[0]?.attempt.id ?? '';
    const complete = (client: NeolithClient) =>
      client.completeTask({
        params: { id: taskId },
        body: { attemptId, status: 'completed', output: { n: 1 } },
      });
    await expectNoAnswer(Math.min(cutAfter, 300), () => complete(cut));
    const outcome = await complete(cut);
    expect(outcome).toMatchObject({ status: 'DONE', replayed: true, unblocked: [tasks[1]?.id] });
    expect(await complete(direct)).toEqual(outcome);

    const { events } = await direct.listTaskEvents({ params: { id: taskId } });
    expect(events.map(({ type }) => type).sort()).toEqual(['task.claimed', 'task.completed', 'task.created']);
    const { events: freed } = await direct.listTaskEvents({ params: { id: tasks[1]?.id ?? '' } });
    expect(freed.filter(({ type }) => type === 'task.unblocked')).toHaveLength(1);
  },
);

it.each(CUTS)(
  'a plan, a merge slot and a merge whose answers are cut after %i bytes come once and are the same again',
  async (cutAfter) => {
    const orchestrator = await direct.createOrchestrator({
      body: { name: `Merge ${cutAfter}`, role: 'r', discipline: 'd' },
    });
    const source = `cut ${cutAfter}`;
    const store = (client: NeolithClient) =>
      client.importPlan({
        body: {
          name: source,
          source,
          orchestratorId: orchestrator.id,
          config: { mergeStage: true },
          start: true,
          tasks: [
            { sourceId: 'first', source, title: 'First' },
            { sourceId: 'next', source, title: 'Next', dependsOn: ['first'] },
          ].map((task) => ({ ...task, key: task.sourceId })),
        },
      });
    await expectNoAnswer(cutAfter, () => store(cut));
    const again = await store(cut);
    expect(again).toMatchObject({ created: [], updated: [], unchanged: 2, run: { status: 'RUNNING' } });
    const { runs } = await direct.listRuns({ query: { source } });
    expect(runs.map(({ id }) => id)).toEqual([again.run?.id]);

    const { claims } = await direct.claimTasks({
      params: { id: orchestrator.id },
      body: { requestId: `merge-${cutAfter}`, max: 2 },
    });
    const { task, attempt } = claims[0] as (typeof claims)[number];
    const params = { id: attempt.id };
    const complete = (client: NeolithClient) =>
      client.completeTask({
        params: { id: task.id },
        body: { attemptId: attempt.id, status: 'completed', output: { n: 1 } },
      });
    await expectNoAnswer(Math.min(cutAfter, 300), () => complete(cut));
    expect(await complete(cut)).toMatchObject({ status: 'MERGING' });
    const ask = (client: NeolithClient) => client.requestMerge({ params, body: { waitSeconds: 1 } });
    await expectNoAnswer(Math.min(cutAfter, 300), () => ask(cut));
    const turn = await ask(cut);
    expect(turn).toMatchObject({ granted: true, place: 0 });
    expect(await ask(direct)).toEqual(turn);
    const merge = (client: NeolithClient) =>
      client.completeMerge({ params, body: { output: { commit: 'abc' } } });
    await expectNoAnswer(Math.min(cutAfter, 300), () => merge(cut));
    expect(await merge(cut)).toMatchObject({ status: 'DONE', replayed: true });

    const { events } = await direct.listTaskEvents({ params: { id: task.id } });
    expect(events.map(({ type }) => type).sort()).toEqual([
      'task.claimed',
      'task.code_completed',
      'task.completed',
      'task.created',
      'task.merge_granted',
    ]);
    expect((await direct.getTask({ params: { id: task.id } })).result?.output).toEqual({ commit: 'abc' });
  },
);

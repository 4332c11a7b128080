import type { endpoints } from '@neolith/contracts';
import { createTestDatabase, type TestDatabase } from '@neolith/database/testing';
import { createWorkEngine, type WorkEngine } from '@neolith/work-engine';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Call } from '@/server/http/handle';
import { followControl } from '@/server/streams/followControl';
import { followEvents } from '@/server/streams/followEvents';

type AnyCall = Call<typeof endpoints.followEvents> & Call<typeof endpoints.followControl>;

let database: TestDatabase;
let engine: WorkEngine;
let call: (request: Request) => AnyCall;
let open = 0;

/** The engine with its subscriptions counted. */
function counting(real: WorkEngine): WorkEngine {
  const subscribe: WorkEngine['events']['subscribe'] = async (subscription) => {
    const begun = await real.events.subscribe(subscription);
    open += 1;
    return {
      cursor: begun.cursor,
      stop() {
        open -= 1;
        begun.stop();
      },
    };
  };
  return { ...real, events: { ...real.events, subscribe } };
}

beforeAll(async () => {
  database = await createTestDatabase();
  const whole = createWorkEngine(database.database);
  const workspace = await whole.createWorkspace({ slug: 'one', name: 'One' });
  engine = whole.as({ workspaceId: workspace.id });
  const orchestrator = await engine.createOrchestrator({ name: 'One', role: 'r', discipline: 'd' });
  const daemon = await engine.registerDaemon({
    name: 'd',
    host: 'h',
    version: '1',
    slots: 1,
    orchestratorIds: [orchestrator.id],
  });
  const workspaceId = workspace.id.replace('ws_', '');
  call = (request) =>
    ({
      engine: counting(engine),
      database: database.database,
      principal: { tokenId: '', workspaceId, scopes: ['read'], actor: 'test' },
      input: { params: { id: daemon.id }, query: {}, body: undefined },
      request,
    }) as unknown as AnyCall;
});

afterAll(async () => {
  await engine.close();
  await database.drop();
});

async function untilOpen(count: number): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (open !== count) {
    if (performance.now() > deadline) throw new Error(`${open} subscriptions, not ${count}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe.each([
  ['followEvents', followEvents],
  ['followControl', followControl],
])('%s lets go of its subscription', (_, follow) => {
  const respond = async (request: Request) => (await follow(call(request))) as Response;
  const begin = async () => {
    const abort = new AbortController();
    const response = await respond(new Request('http://localhost/', { signal: abort.signal }));
    return { abort, response };
  };

  test('when its client hangs up', async () => {
    const streams = await Promise.all(Array.from({ length: 20 }, begin));
    await untilOpen(20);
    for (const { abort } of streams) abort.abort();
    await untilOpen(0);
  });

  test('when its body is cancelled', async () => {
    const { response } = await begin();
    await untilOpen(1);
    await response.body?.cancel();
    await untilOpen(0);
  });

  test('when its client was gone before it began', async () => {
    const { abort, response } = await begin();
    abort.abort();
    await response.body?.cancel().catch(() => undefined);
    await untilOpen(0);
    const late = await respond(new Request('http://localhost/', { signal: AbortSignal.abort() }));
    expect(await late.text()).not.toContain('data:');
    await untilOpen(0);
  });
});

import { setTimeout as delay } from 'node:timers/promises';
import { createClient, type EngineEvent, isNeolithError, type NeolithClient } from '@neolith/contracts';
import { openDatabase } from '@neolith/database';
import { createTestDatabase } from '@neolith/database/testing';
import { expect, it } from 'vitest';
import { startServer } from '../../apps/web/test/startServer.js';
import { watchDatabase } from '../../packages/work-engine/test/runs/support/watch.js';
import { seededRandom, whole } from '../chaos/seededRandom.js';

const VERBS = {
  start: 'startRun',
  pause: 'pauseRun',
  resume: 'resumeRun',
  stop: 'stopRun',
  release: 'releaseRun',
  retry: 'retryRun',
  reset: 'resetRun',
  complete: 'completeRun',
} as const;
type Verb = keyof typeof VERBS;
const NAMES = Object.keys(VERBS) as Verb[];

/** The table once more, in another form: what may be done in each status. */
const POSSIBLE: Readonly<Record<string, readonly Verb[]>> = {
  PENDING: ['start'],
  RUNNING: ['pause', 'stop', 'complete'],
  PAUSED: ['resume', 'stop', 'reset', 'complete'],
  QUARANTINED: ['stop', 'release', 'reset'],
  SUCCEEDED: ['reset'],
  FAILED: ['retry', 'reset'],
  CANCELLED: ['reset'],
};
/** Where each verb leads; what a run does by itself is beside them. */
const EVENTS: Readonly<Record<string, Verb>> = {
  'run.started': 'start',
  'run.paused': 'pause',
  'run.resumed': 'resume',
  'run.stopped': 'stop',
  'run.released': 'release',
  'run.retried': 'retry',
  'run.reset': 'reset',
};

const CLIENTS = 12;
const CALLS_EACH = 40;

it('storms of start, pause, resume, stop and reset keep the state table, and what is refused says what is possible', async () => {
  const test = await createTestDatabase();
  const database = openDatabase(test.url);
  await watchDatabase(database.pool);
  const server = await startServer({ databaseUrl: test.url });
  try {
    const client = createClient({ baseUrl: server.url, token: await server.token() });
    const orchestrator = await client.createOrchestrator({
      body: { name: 'Atlas', role: 'r', discipline: 'd', maxConcurrentTasks: 50 },
    });
    const { id } = await client.createRun({
      body: {
        name: 'Stormy',
        config: {
          failureThreshold: { consecutive: 4, rate: 0.5, minAttempts: 1_000 },
          maxConcurrentTasks: 4,
        },
        tasks: Array.from({ length: 300 }, (_, index) => ({
          title: `Task ${index}`,
          orchestratorId: orchestrator.id,
        })),
      },
    });
    const accepted = new Map<Verb, number>();
    const refused = new Map<string, number>();
    const storm = { over: false };
    const workers = [0, 1].map(async (seed) =>
      work(client, { orchestratorId: orchestrator.id, seed, storm }),
    );
    await Promise.all(
      Array.from({ length: CLIENTS }, async (_, seed) => {
        const random = seededRandom(seed + 1);
        for (let call = 0; call < CALLS_EACH; call += 1) {
          // Mostly what keeps the run going: from the ends only a reset leads back.
          const verb =
            NAMES[whole(random, 0, 12)] ??
            (['start', 'resume', 'reset', 'pause', 'release'] as const)[whole(random, 0, 4)];
          if (verb === undefined) continue;
          try {
            await client[VERBS[verb]]({ params: { id }, body: {} });
            accepted.set(verb, (accepted.get(verb) ?? 0) + 1);
          } catch (error) {
            if (!isNeolithError(error)) throw error;
            refused.set(error.code, (refused.get(error.code) ?? 0) + 1);
            expect(['INVALID_TRANSITION', 'RUN_HAS_ATTEMPTS', 'RUN_NOT_OVER']).toContain(error.code);
            if (error.code !== 'INVALID_TRANSITION') continue;
            const { status } = error.details as { status: string };
            const possible = /Possible now: (.*)$/.exec(error.message)?.[1]?.split(', ') ?? [];
            expect([status, verb, possible]).toEqual([status, verb, POSSIBLE[status]]);
            expect(possible).not.toContain(verb);
          }
        }
      }),
    );
    storm.over = true;
    await Promise.all(workers);

    const history: EngineEvent[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await client.getRunHistory({
        params: { id },
        query: { limit: 500, ...(cursor ? { cursor } : {}) },
      });
      history.push(...page.events);
      if (page.events.length < 500) break;
      cursor = page.cursor;
    }
    const number = ({ cursor }: EngineEvent) => Number(cursor.split('.')[2]);
    let status = 'PENDING';
    const told = new Map<Verb, number>();
    for (const event of history.sort((a, b) => number(a) - number(b))) {
      if (event.taskId !== null || event.from === null || event.to === null) continue;
      const verb = EVENTS[event.type];
      expect([event.type, event.from]).toEqual([event.type, status]);
      if (verb === undefined)
        expect(['run.succeeded', 'run.failed', 'run.cancelled', 'run.quarantined']).toContain(event.type);
      else {
        expect(POSSIBLE[status]).toContain(verb);
        told.set(verb, (told.get(verb) ?? 0) + 1);
      }
      status = event.to;
    }
    expect(status).toBe((await client.getRun({ params: { id } })).status);
    // What was accepted was done once, and nothing else was.
    accepted.delete('complete');
    expect(Object.fromEntries([...told].sort())).toEqual(Object.fromEntries([...accepted].sort()));
    const { rows } = await database.pool.query('SELECT what FROM watch.breaches');
    expect(rows).toEqual([]);
    console.log(
      JSON.stringify({ accepted: Object.fromEntries(accepted), refused: Object.fromEntries(refused) }),
    );
    for (const verb of ['start', 'pause', 'resume', 'stop', 'reset'] as const)
      expect([verb, (accepted.get(verb) ?? 0) > 0]).toEqual([verb, true]);
    expect(refused.get('INVALID_TRANSITION') ?? 0).toBeGreaterThan(50);
  } finally {
    await server.stop('SIGKILL');
    await database.close();
    await test.drop();
  }
});

/** Claims and settles while the storm goes on, so that verbs meet work; one in three fails. */
async function work(
  client: NeolithClient,
  { orchestratorId, seed, storm }: { orchestratorId: string; seed: number; storm: { over: boolean } },
): Promise<void> {
  const random = seededRandom(seed + 1_000);
  const { id: daemonId } = await client.registerDaemon({
    body: {
      name: `worker-${seed}`,
      host: 'here',
      version: 'test',
      slots: 4,
      orchestratorIds: [orchestratorId],
    },
  });
  for (let turn = 0; !storm.over; turn += 1) {
    try {
      const { claims } = await client.claimTasks({
        params: { id: orchestratorId },
        body: { daemonId, requestId: `storm-${seed}-${turn}`, max: 2 },
      });
      if (claims.length === 0) await delay(20);
      for (const { task, attempt } of claims) {
        const failed = whole(random, 0, 2) === 0;
        await client.completeTask({
          params: { id: task.id },
          body: {
            attemptId: attempt.id,
            status: failed ? 'failed' : 'completed',
            ...(failed ? { error: 'It failed' } : {}),
          },
        });
      }
    } catch (error) {
      if (!isNeolithError(error) || error.code !== 'LEASE_LOST') throw error;
    }
  }
}

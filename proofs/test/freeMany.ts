import { createClient, type NeolithClient } from '@neolith/contracts';
import type { WorkEngine } from '@neolith/work-engine';

export interface FreeManyOptions {
  url: string;
  token: string;
  engine: WorkEngine;
  /** Tasks that wait for one and the same. */
  tasks: number;
  /** Daemons that wait for work, each with a call of its own. */
  daemons: number;
  orchestrators: number;
}

export interface FreedReport {
  /** From the call that completes the prerequisite to its answer, milliseconds. */
  completedMs: number;
  /** From the same moment to the first daemon that has a task in its hands, and to the last one. */
  firstMs: number;
  lastMs: number;
  /** What was handed out: as many as daemons, each another. */
  started: readonly string[];
  freed: number;
}

const WAIT_SECONDS = 25;

/** One task that all others wait for is completed while daemons stand idle. */
export async function freeMany(options: FreeManyOptions): Promise<FreedReport> {
  const { url, token, engine } = options;
  const client = createClient({ baseUrl: url, token });
  const names = Array.from({ length: options.orchestrators }, (_, n) => `Freed ${n}`);
  const ids = await Promise.all(
    names.map(async (name) => {
      const { id } = await engine.createOrchestrator({
        name,
        role: 'r',
        discipline: 'd',
        maxConcurrentTasks: 1_000,
      });
      return id;
    }),
  );
  const ownerOf = (n: number) => ids[n % ids.length] as string;
  const gate = await engine.createTask({ title: 'Gate', orchestratorId: ownerOf(0), priority: 'CRITICAL' });
  const held = await engine.executeTask(ownerOf(0), gate.id);
  if (held.status !== 'in_progress') throw new Error(held.error);
  const PIECE = 5_000;
  for (let from = 0; from < options.tasks; from += PIECE)
    await engine.createTasks(
      Array.from({ length: Math.min(PIECE, options.tasks - from) }, (_, n) => ({
        title: `Freed ${from + n}`,
        orchestratorId: ownerOf(n),
        dependsOn: [gate.id],
      })),
    );

  const waiting = await Promise.all(
    Array.from({ length: options.daemons }, (_, n) => joinAs(client, `idle-${n}`, ownerOf(n))),
  );
  const claims = waiting.map(({ claim }) => claim());
  await untilWaiting(client, ids, claims);

  const startMs = performance.now();
  const sinceStart = () => Math.round(performance.now() - startMs);
  const firsts = claims.map((claim) => claim.then(({ claims }) => ({ atMs: sinceStart(), claims })));
  const settled = await client.completeTask({
    params: { id: gate.id },
    body: { status: 'completed', attemptId: held.attemptId },
  });
  const completedMs = sinceStart();
  const answers = await Promise.all(firsts);
  const times = answers.filter(({ claims }) => claims.length > 0).map(({ atMs }) => atMs);
  return {
    completedMs,
    firstMs: Math.min(...times),
    lastMs: Math.max(...times),
    started: answers.flatMap(({ claims }) => claims.map(({ task }) => task.id)),
    freed: settled.unblocked.length,
  };
}

async function joinAs(client: NeolithClient, name: string, orchestratorId: string) {
  const { id } = await client.registerDaemon({
    body: { name, host: 'h', version: '0', slots: 1, agents: ['shell'], orchestratorIds: [orchestratorId] },
  });
  const claim = (requestId: string, waitSeconds: number) =>
    client.claimTasks({
      params: { id: orchestratorId },
      body: { daemonId: id, requestId, max: 1, waitSeconds },
    });
  // Once around without waiting: the way there is warm, and there is nothing to be had.
  const { claims } = await claim(`${name} looks`, 0);
  if (claims.length > 0) throw new Error('There was a task before any was freed');
  return { claim: () => claim(name, WAIT_SECONDS) };
}

/** Until every wait has begun: calls that were sent after them are answered, and none of them is. */
async function untilWaiting(
  client: NeolithClient,
  orchestratorIds: readonly string[],
  claims: readonly Promise<unknown>[],
): Promise<void> {
  let answered = 0;
  for (const claim of claims) void claim.then(() => (answered += 1));
  for (let round = 0; round < 5; round += 1)
    await Promise.all(orchestratorIds.map((id) => client.getQueue({ params: { id }, query: { limit: 1 } })));
  if (answered > 0) throw new Error(`${answered} waits ended before there was anything`);
}

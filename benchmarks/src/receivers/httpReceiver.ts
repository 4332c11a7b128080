import { createClient } from '@neolith/contracts';
import { monotonicMs } from '../contestants/contestant.js';
import type { Receiver } from './receiver.js';

/** A daemon's long poll, by the client that daemons use, and a task made by another call to the same server. */
export async function httpReceiver({ url, token }: { url: string; token: string }): Promise<Receiver> {
  const client = createClient({ baseUrl: url, token });
  const orchestrator = await client.createOrchestrator({
    body: { name: 'Benchmark', role: 'Runner', discipline: 'Nothing' },
  });
  const daemon = await client.registerDaemon({
    body: {
      name: 'Benchmark',
      host: 'localhost',
      version: '0',
      slots: 1,
      orchestratorIds: [orchestrator.id],
    },
  });
  return {
    async receive() {
      const { claims } = await client.claimTasks({
        params: { id: orchestrator.id },
        body: { daemonId: daemon.id, requestId: crypto.randomUUID(), waitSeconds: 20 },
      });
      const hadAt = monotonicMs();
      const [claim] = claims;
      if (claim === undefined) throw new Error('Nothing came within 20 s');
      return {
        hadAt,
        async finish() {
          await client.completeTask({
            params: { id: claim.task.id },
            body: { status: 'completed', attemptId: claim.attempt.id },
          });
        },
      };
    },
    async create() {
      await client.createTasks({ body: { tasks: [{ title: 'No-op', orchestratorId: orchestrator.id }] } });
    },
    async close() {},
  };
}

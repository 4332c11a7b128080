import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Benchmark, Outcome } from './benchmark.js';
import { startPostgres } from './postgresServer.js';
import { startRedis } from './redisServer.js';

/** Runs one, ends every server that it started, whatever happens, and gives its outcome with the settings it ran under. */
export async function runBenchmark(
  benchmark: Benchmark,
  options: { rounds: number; quick: boolean },
): Promise<{ outcome: Outcome; settings: readonly string[] }> {
  const directory = await mkdtemp(join(tmpdir(), 'neolith-bench-'));
  const servers: { stop(): Promise<void> }[] = [];
  const settings = new Set<string>();
  const begun = <Server extends { settings: string; stop(): Promise<void> } | null>(
    server: Server,
  ): Server => {
    if (server === null) settings.add('Redis: not installed, so its contestants are missing');
    else {
      servers.push(server);
      settings.add(server.settings);
    }
    return server;
  };
  try {
    const outcome = await benchmark.run({
      rounds: options.rounds,
      quick: options.quick,
      directory,
      say: (line) => console.error(`  ${line}`),
      startPostgres: async (wanted) => begun(await startPostgres(directory, wanted)),
      startRedis: async (persistence) => begun(await startRedis(directory, persistence)),
    });
    return { outcome, settings: [...settings] };
  } finally {
    for (const server of servers.reverse()) await server.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

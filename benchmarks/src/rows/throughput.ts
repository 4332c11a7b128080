import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '@neolith/database';
import pg from 'pg';
import type { Contestant } from './contestant.js';
import { graphileContestant } from './graphileContestant.js';
import { neolithContestant } from './neolithContestant.js';

/**
 * Claim and complete of no-op tasks, one per call, so many in flight: ours and graphile-worker interleaved on one
 * PostgreSQL with durable settings, medians over the rounds.
 */
export async function throughput(options: { inFlight: number; rounds: number }): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'neolith-bench-'));
  const server = await startEmbeddedPostgres({ dataDirectory: join(directory, 'postgres') });
  const contestants: Contestant[] = [];
  try {
    const settings = await settingsOf(server.url);
    contestants.push(await neolithContestant(await createDatabase(server.url, 'bench_neolith'), 10_000));
    contestants.push(await graphileContestant(await createDatabase(server.url, 'bench_graphile'), 10_000));
    const rates = new Map<string, number[]>(contestants.map((contestant) => [contestant.name, []]));
    // One round more than is counted: the first warms caches and plans.
    for (let round = 0; round <= options.rounds; round += 1) {
      for (const contestant of contestants) {
        await contestant.fill(contestant.tasks);
        const start = performance.now();
        await contestant.drain(contestant.tasks, options.inFlight);
        const rate = contestant.tasks / ((performance.now() - start) / 1_000);
        if (round > 0) rates.get(contestant.name)?.push(rate);
      }
    }
    console.log(
      `claim + complete, no-op tasks, one per call, ${options.inFlight} in flight, ${options.rounds} interleaved rounds`,
    );
    console.log(`node ${process.version}, ${cpus().length} cores, ${settings}`);
    const base = median(rates.get('graphile-worker, plain') ?? []);
    for (const [name, values] of rates) {
      const middle = median(values);
      const spread = `${Math.round(Math.min(...values))}–${Math.round(Math.max(...values))}`;
      console.log(
        `${name.padEnd(24)} ${String(Math.round(middle)).padStart(7)} tasks/s  (${spread})  × ${(middle / base).toFixed(2)}`,
      );
    }
  } finally {
    for (const contestant of contestants) await contestant.close();
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

async function createDatabase(url: string, name: string): Promise<string> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
  await client.end();
  const own = new URL(url);
  own.pathname = `/${name}`;
  return own.href;
}

async function settingsOf(url: string): Promise<string> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query<{ text: string }>(
    `SELECT string_agg(name || ' ' || setting, ', ' ORDER BY name) AS text FROM pg_settings
     WHERE name IN ('server_version', 'fsync', 'synchronous_commit', 'shared_buffers')`,
  );
  await client.end();
  return `PostgreSQL ${rows[0]?.text ?? ''}`;
}

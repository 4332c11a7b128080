import { execFile } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { migrate, openDatabase } from '@neolith/database';
import { createWorkEngine } from '@neolith/work-engine';
import type { Benchmark } from '../harness/benchmark.js';
import { median } from '../harness/statistics.js';
import { startWebServer } from '../harness/webServer.js';
import type { WriterAnswer, WriterJob } from '../load/eventWriter.js';
import { type LoadProcess, startLoadProcess } from '../load/loadProcess.js';
import type { StreamAnswer, StreamJob } from '../load/streamClients.js';

const CLIENTS = [50, 500];
const EVENTS_PER_SECOND = 1_000;
const CLIENT_PROCESSES = 2;
const SECONDS = 6;
const SAMPLE_MS = 250;

type Clients = LoadProcess<StreamJob, StreamAnswer>;

interface Sample {
  p50: number;
  p99: number;
  max: number;
  rate: number;
  reads: number;
  chunksPerClient: number;
  listeners: number;
}

export const stream: Benchmark = {
  name: 'stream',
  title: 'The event stream',
  about: `A process of its own claims and completes tasks through the library, ${EVENTS_PER_SECOND} events a second; one web process tells
them to 50 and to 500 clients of \`GET /api/v1/events\`, which are in ${CLIENT_PROCESSES} more processes. The lag is from an event's \`at\`,
the moment within its transaction, shortly before the commit, at which a claim or an ending had what it wanted, until the client has
it; events that come in one chunk count as late as the oldest of them. Every client must have got every event exactly once. Reads of the event table are counted by PostgreSQL
(\`pg_stat_statements\`) while the events are made, memory is the resident size of the web process.`,
  async run({ rounds, quick, directory, startPostgres, say }) {
    const server = await startPostgres({ shared_preload_libraries: 'pg_stat_statements' });
    const url = await server.createDatabase('stream');
    await migrate(url);
    const profile = process.env.PROFILE_INTO;
    const web = await startWebServer({
      databaseUrl: url,
      home: await mkdtemp(join(directory, 'home-')),
      nodeOptions: profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`],
    });
    const database = openDatabase(url);
    const processes: Clients[] = [];
    const writer = await startLoadProcess<WriterJob, WriterAnswer>('./eventWriter.js');
    const seconds = quick ? 3 : SECONDS;
    const samples = CLIENTS.map((): Sample[] => []);
    const memory: number[] = [];
    try {
      for (let made = 0; made < CLIENT_PROCESSES; made += 1)
        processes.push(await startLoadProcess('./streamClients.js'));
      await database.pool.query('CREATE EXTENSION pg_stat_statements');
      const place = await preparePlace(database);

      const measure = async (clients: number): Promise<Sample> => {
        await writer.run({
          kind: 'fill',
          databaseUrl: url,
          ...place,
          tasks: Math.ceil((seconds * EVENTS_PER_SECOND) / 2),
        });
        const share = Math.round(clients / CLIENT_PROCESSES);
        await Promise.all(
          processes.map((one) => one.run({ kind: 'open', url: web.url, token: web.token, clients: share })),
        );
        const before = await countReads(database);
        const sampling = setInterval(() => {
          void residentMegabytes(web.pid).then((size) => memory.push(size));
        }, SAMPLE_MS);
        const made = await writer.run({ kind: 'work', seconds, eventsPerSecond: EVENTS_PER_SECOND });
        clearInterval(sampling);
        const after = await countReads(database);
        const answers = await Promise.all(
          processes.map((one) => one.run({ kind: 'finish', events: made.events, limitMs: 20_000 })),
        );
        const lags = mergeLags(answers);
        return {
          p50: quantile(lags, 0.5),
          p99: quantile(lags, 0.99),
          max: lags.length - 1,
          rate: made.events / made.seconds,
          reads: (after.reads - before.reads) / made.seconds,
          chunksPerClient: answers.reduce((sum, { chunks }) => sum + chunks, 0) / clients / made.seconds,
          listeners: after.listeners,
        };
      };
      for (let round = 0; round <= rounds; round += 1) {
        for (const [index, clients] of CLIENTS.entries()) {
          const sample = await measure(clients);
          say(
            `${round}: ${clients} clients: p50 ${sample.p50} ms, p99 ${sample.p99} ms, max ${sample.max} ms at ${Math.round(sample.rate)} events/s; ${Math.round(sample.reads)} reads/s, ${Math.round(sample.chunksPerClient)} chunks/s a client, ${sample.listeners} listening, ${Math.round(memory.at(-1) ?? 0)} MB`,
          );
          // The first round warms up; what memory is taken in it stays.
          if (round > 0) samples[index]?.push(sample);
          else memory.length = 0;
        }
      }
    } finally {
      for (const one of processes) await one.stop();
      await writer.stop();
      await database.close();
      await web.stop();
    }
    const of = (index: number, field: keyof Sample) => (samples[index] ?? []).map((sample) => sample[field]);
    const third = Math.floor(memory.length / 3);
    const [first, last] = [median(memory.slice(0, third)), median(memory.slice(-third))];
    const row = (name: string, field: keyof Sample) => ({
      name,
      samples: CLIENTS.map((_, index) => of(index, field)),
    });
    return {
      tables: [
        {
          title: 'Lag',
          unit: 'ms',
          along: 'clients',
          points: CLIENTS,
          rows: [row('p50', 'p50'), row('p99', 'p99'), row('the last', 'max')],
          plot: 'bars',
        },
        {
          title: 'Work per second',
          unit: 'per second',
          along: 'clients',
          points: CLIENTS,
          rows: [
            row('events made', 'rate'),
            row('reads of the event table', 'reads'),
            row('chunks a client gets', 'chunksPerClient'),
          ],
          plot: 'none',
        },
      ],
      verdicts: [
        {
          what: 'p99 lag, 50 clients',
          value: median(of(0, 'p99')),
          unit: 'ms',
          aim: { at: 'most', bound: 500 },
        },
        {
          what: 'p99 lag, 500 clients',
          value: median(of(1, 'p99')),
          unit: 'ms',
          aim: { at: 'most', bound: 1_000 },
        },
        {
          what: 'events made a second',
          value: Math.min(...of(0, 'rate'), ...of(1, 'rate')),
          aim: { at: 'least', bound: EVENTS_PER_SECOND * 0.98 },
        },
        {
          what: 'reads of the event table: 500 clients ÷ 50 clients',
          value: median(of(1, 'reads')) / median(of(0, 'reads')),
          aim: { at: 'most', bound: 1 },
        },
        {
          what: 'connections that listen',
          value: Math.max(...of(0, 'listeners'), ...of(1, 'listeners')),
          aim: { at: 'most', bound: 1 },
        },
        {
          what: `memory of the web process: last third ÷ first third (${Math.round(first)} MB)`,
          value: last / first,
          aim: { at: 'most', bound: 1.1 },
        },
      ],
    };
  },
};

async function preparePlace(database: ReturnType<typeof openDatabase>) {
  const { rows } = await database.pool.query<{ id: string }>(
    `SELECT id FROM workspaces WHERE slug = 'default'`,
  );
  const workspaceId = rows[0]?.id ?? '';
  const engine = createWorkEngine(database);
  const { id } = await engine.as({ workspaceId }).createOrchestrator({
    name: 'Benchmark',
    role: 'Runner',
    discipline: 'Nothing',
    maxConcurrentTasks: 1_000,
  });
  await engine.close();
  return { workspaceId, orchestratorId: id };
}

/** How often the table was read from a place on, by whomever, and how many connections listen for news of it. */
async function countReads(
  database: ReturnType<typeof openDatabase>,
): Promise<{ reads: number; listeners: number }> {
  const { rows } = await database.pool.query<{ reads: number; listeners: number }>(
    `SELECT (SELECT coalesce(sum(calls), 0)::int FROM pg_stat_statements WHERE query LIKE '%FROM events%(xid, seq) > %') AS reads,
            (SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%') AS listeners`,
  );
  return rows[0] ?? { reads: Number.NaN, listeners: Number.NaN };
}

const run = promisify(execFile);

async function residentMegabytes(pid: number): Promise<number> {
  const { stdout } = await run('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(stdout.trim()) / 1_024;
}

function mergeLags(answers: readonly StreamAnswer[]): number[] {
  const merged: number[] = [];
  for (const { lags } of answers) {
    lags.forEach((events, ms) => {
      merged[ms] = (merged[ms] ?? 0) + (events ?? 0);
    });
  }
  return merged;
}

/** Over a histogram by whole milliseconds. */
function quantile(histogram: readonly number[], share: number): number {
  const total = histogram.reduce((sum, events) => sum + (events ?? 0), 0);
  let seen = 0;
  for (const [ms, events] of histogram.entries()) {
    seen += events ?? 0;
    if (seen >= share * total) return ms;
  }
  return Number.NaN;
}

import { fillHistory } from '../fills/fillHistory.js';
import { fillTasks, settleTables } from '../fills/fillTasks.js';
import { type BenchEngine, FILL_TIMEOUT_MS, openEngine } from '../fills/openEngine.js';
import type { Benchmark } from '../harness/benchmark.js';
import { interleave } from '../harness/interleave.js';
import { median } from '../harness/statistics.js';

const ATTEMPTS = 1_000_000;
const ORCHESTRATORS = 200;
const OPEN_EACH = 500;
const RUNNING_EACH = 2;
const CALLS = 10;
const DAY_MS = 86_400_000;

export const statistics: Benchmark = {
  name: 'statistics',
  title: 'Statistics and overview',
  about: `One orchestrator with ${ATTEMPTS.toLocaleString('en-US')} ended attempts over a year is asked for its statistics over the last 30 days, which is the
default, and over the whole year. Then ${ORCHESTRATORS} orchestrators in another database, each with ${OPEN_EACH} open tasks, ${RUNNING_EACH} running ones, and ${(
    ATTEMPTS / ORCHESTRATORS
  ).toLocaleString('en-US')}
attempts over 90 days, are asked for the overview: what runs, backlogs by status and priority, and the last seven days of each.
An operation is one call from one process, one at a time.`,
  async run({ rounds, startPostgres, say }) {
    const server = await startPostgres();
    const opened: BenchEngine[] = [];
    const open = async (name: string): Promise<BenchEngine> => {
      const made = await openEngine(await server.createDatabase(name), {
        poolSize: 6,
        statementTimeoutMs: FILL_TIMEOUT_MS,
      });
      opened.push(made);
      return made;
    };
    try {
      say('filling one with a million attempts');
      const one = await open('one');
      const { id } = await one.engine.createOrchestrator({ name: 'One', role: 'Runner', discipline: 'All' });
      await fillHistory(one.pool, { orchestratorId: id, attempts: ATTEMPTS, days: 365 });
      await settleTables(one.pool);
      say(`filling ${ORCHESTRATORS} orchestrators`);
      const many = await open('many');
      await fillMany(many);
      await settleTables(many.pool);

      const contestants = [
        {
          name: 'statistics of 30 days',
          call: async () => (await one.engine.getOrchestratorExecutionStats(id)).completed,
        },
        {
          name: 'statistics of the whole year',
          call: async () => {
            const end = new Date();
            const start = new Date(end.getTime() - 366 * DAY_MS);
            return (await one.engine.getOrchestratorExecutionStats(id, { start, end })).completed;
          },
        },
        {
          name: `overview of ${ORCHESTRATORS}`,
          call: async () => (await many.engine.getOverview()).orchestrators.length,
        },
      ];
      const unsummed: number[] = [];
      for (const { name, call } of contestants) {
        say(`${name}: ${await call()}`);
        unsummed.push(await timeCalls(call, 3));
      }
      say('summing up days that are over');
      for (const database of [one, many]) {
        await sumUp(database);
        await settleTables(database.pool);
      }
      const samples = await interleave(contestants, rounds, ({ call }) => timeCalls(call, CALLS));
      const bounds = [20, 20, 100];
      return {
        tables: [
          {
            title: 'Time of a call',
            unit: 'ms',
            along: 'call',
            points: ['p50'],
            plot: 'none',
            rows: contestants.flatMap(({ name }, index) => [
              { name, samples: [samples[index] ?? []] },
              { name: `${name}, before a day was summed up`, samples: [[unsummed[index] ?? Number.NaN]] },
            ]),
          },
        ],
        notes: [
          `Days that are over are read as sums, a row a day for each priority and status, and the durations of a day as a histogram; the
first day of the range and the present one are read task by task.
What is left of the year is the merging of 365 histograms.`,
        ],
        verdicts: contestants.map(({ name }, index) => ({
          what: name,
          value: median(samples[index] ?? []),
          unit: 'ms',
          aim: { at: 'most' as const, bound: bounds[index] ?? 0 },
        })),
      };
    } finally {
      for (const database of opened) await database.close();
    }
  },
};

/** What the server does every two seconds; a sweep sums up the days of twenty orchestrators at most. */
async function sumUp({ engine }: BenchEngine): Promise<void> {
  for (let summed = 0; summed <= ORCHESTRATORS; summed += 20) await engine.sweepExpiredLeases();
}

async function timeCalls(call: () => Promise<unknown>, calls: number): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < calls; n += 1) {
    const start = performance.now();
    await call();
    times.push(performance.now() - start);
  }
  return median(times);
}

async function fillMany({ engine, pool }: BenchEngine): Promise<void> {
  for (let n = 0; n < ORCHESTRATORS; n += 1) {
    const { id } = await engine.createOrchestrator({
      name: `Orchestrator ${String(n).padStart(3, '0')}`,
      role: 'Runner',
      discipline: 'Some',
      timeZone: ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata'][n % 4] as string,
    });
    await fillTasks(pool, { orchestratorId: id, count: OPEN_EACH, kind: 'backlog' });
    await fillHistory(pool, { orchestratorId: id, attempts: ATTEMPTS / ORCHESTRATORS, days: 90 });
    await engine.claimNextTask(id, { max: RUNNING_EACH, leaseSeconds: 3_600 });
  }
}

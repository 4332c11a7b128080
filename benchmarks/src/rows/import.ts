import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { emptyTables, loadTables, proveStored, saveTables } from '../bulk/bareCopy.js';
import { planTasks } from '../bulk/planOf.js';
import { openEngine } from '../fills/openEngine.js';
import type { Benchmark, Setting, Table, Verdict } from '../harness/benchmark.js';
import { interleave } from '../harness/interleave.js';
import { median } from '../harness/statistics.js';

const PLAN = { tasks: 100_000, edges: 3 };
const QUICK_PLAN = { tasks: 5_000, edges: 3 };
const STREAM = { tasks: Number(process.env.IMPORT_STREAM_TASKS ?? 1_000_000), edges: 1 };
/** A stream of a million takes minutes with its COPY. */
const STREAM_ROUNDS_MAX = 3;
const RSS_BOUND_MB = 400;

const roundsOfStream = (rounds: number): number => Math.min(rounds, STREAM_ROUNDS_MAX);

export const importing: Benchmark = {
  name: 'import',
  title: 'Import',
  about: `**Plan**: \`importPlan\` with 100,000 tasks and three dependencies each, from an object in memory to a stored run, in one
transaction. **Stream**: \`importTasks\` with ${STREAM.tasks.toLocaleString('en-US')} tasks and one dependency each, from a generator, in chunks of
5,000, from a process of its own whose memory is watched. Ours checks every field, finds cycles, resolves names, makes ids and numbers
waves. **Bare COPY**: the very rows that the import had stored, saved as files, by \`COPY … FROM STDIN\` into the same tables,
with the same indexes, foreign keys, checks and the trigger that counts a run's tasks, in one transaction. Tables are empty
before each.`,
  describeRounds: (rounds) =>
    `${rounds} interleaved rounds of the plan, ${roundsOfStream(rounds)} of the stream`,
  async run(setting) {
    const { quick, rounds, startPostgres, say } = setting;
    const server = await startPostgres();
    const url = await server.createDatabase('import');
    const { engine, close } = await openEngine(url, { poolSize: 4 });
    const { id: orchestratorId } = await engine.createOrchestrator({
      name: 'Benchmark',
      role: 'Importer',
      discipline: 'Nothing',
    });
    const client = new pg.Client(url);
    await client.connect();
    try {
      const plan = quick ? QUICK_PLAN : PLAN;
      const tasks = [...planTasks(plan.tasks, plan.edges)];
      say(`a plan of ${plan.tasks} tasks`);
      const planned = await compare(setting, client, {
        ...plan,
        rounds,
        importAll: async () => {
          await engine.importPlan({ name: 'Plan', source: 'plan', orchestratorId, tasks });
        },
      });
      const tables: Table[] = [
        planned.table(
          `Plan of ${plan.tasks.toLocaleString('en-US')} tasks and ${planned.edges.toLocaleString('en-US')} edges`,
        ),
      ];
      const verdicts: Verdict[] = [
        { what: 'plan: ours ÷ bare COPY', value: planned.ratio, aim: { at: 'most', bound: 3 } },
      ];
      if (!quick && STREAM.tasks > 0) {
        tasks.length = 0;
        const curves: number[][] = [];
        say(`a stream of ${STREAM.tasks} tasks`);
        const streamed = await compare(setting, client, {
          ...STREAM,
          rounds: roundsOfStream(rounds),
          importAll: async () => {
            curves.push(await importStream(url, orchestratorId));
          },
        });
        const tenths = curves.slice(1).map(byTenths);
        const points = Array.from({ length: 10 }, (_, tenth) => `${(tenth + 1) * 10} %`);
        tables.push(
          streamed.table(`Stream of ${STREAM.tasks.toLocaleString('en-US')} tasks and as many edges`),
          {
            title: 'Memory of the importing process',
            unit: 'MB, peak within the tenth',
            along: 'of the stream',
            points,
            rows: [
              {
                name: 'resident',
                samples: points.map((_, tenth) => tenths.map((curve) => curve[tenth] ?? 0)),
              },
            ],
            plot: 'lines',
          },
        );
        verdicts.push(
          { what: 'stream: ours ÷ bare COPY', value: streamed.ratio, aim: { at: 'most', bound: 3 } },
          {
            what: 'stream: peak of resident memory',
            value: Math.max(...tenths.flat()),
            unit: 'MB',
            aim: { at: 'most', bound: RSS_BOUND_MB },
          },
          {
            what: 'stream: peak of the second half ÷ peak of the first',
            value: median(
              tenths.map((curve) => Math.max(...curve.slice(5)) / Math.max(...curve.slice(0, 5))),
            ),
            aim: { at: 'most', bound: 1.1 },
          },
        );
      }
      return { tables, verdicts };
    } finally {
      await client.end();
      await close();
    }
  },
};

interface Subject {
  tasks: number;
  /** Dependencies a task. */
  edges: number;
  rounds: number;
  importAll(): Promise<void>;
}

/** Imports and copies the same rows in turn; the rows are those of the first import, which doesn't count. */
async function compare(setting: Setting, client: pg.Client, subject: Subject) {
  const saved = await mkdtemp(join(setting.directory, 'rows-'));
  const edges = [...planTasks(Math.min(subject.tasks, 10), subject.edges)].reduce(
    (sum, { dependsOn = [] }) => sum + dependsOn.length,
    Math.max(subject.tasks - 10, 0) * subject.edges,
  );
  let isSaved = false;
  const samples = await interleave(['ours', 'copy'] as const, subject.rounds, async (who, round) => {
    await emptyTables(client);
    const start = performance.now();
    if (who === 'ours') await subject.importAll();
    else await loadTables(client, saved);
    const seconds = (performance.now() - start) / 1_000;
    setting.say(`round ${round}: ${who} ${seconds.toFixed(2)} s`);
    await proveStored(client, { tasks: subject.tasks, edges });
    if (!isSaved) {
      await saveTables(client, saved);
      isSaved = true;
    }
    return seconds;
  });
  await emptyTables(client);
  const [ours = [], copy = []] = samples;
  return {
    edges,
    ratio: median(ours) / median(copy),
    table: (title: string): Table => ({
      title,
      unit: 'seconds',
      along: 'rows',
      points: [subject.tasks],
      rows: [
        { name: 'neolith', samples: [ours] },
        { name: 'bare COPY', samples: [copy] },
      ],
      plot: 'bars',
    }),
  };
}

/** Resident memory over the time of an import in a process of its own, in MB. */
async function importStream(url: string, orchestratorId: string): Promise<number[]> {
  const child = fork(
    new URL('../bulk/importStream.js', import.meta.url),
    [url, orchestratorId, String(STREAM.tasks), String(STREAM.edges)],
    { stdio: 'inherit' },
  );
  const told = once(child, 'message') as Promise<[{ rss: number[]; created: number }]>;
  const gone = once(child, 'exit').then(([code]) => {
    throw new Error(`The importing process ended with ${code} before it said what it did`);
  });
  const [{ rss, created }] = await Promise.race([told, gone]);
  if (created !== STREAM.tasks) throw new Error(`${created} of ${STREAM.tasks} tasks were imported`);
  await gone.catch(() => undefined);
  return rss.map((bytes) => bytes / 1e6);
}

function byTenths(curve: readonly number[]): number[] {
  return Array.from({ length: 10 }, (_, tenth) =>
    Math.max(
      ...curve.slice(Math.floor((tenth * curve.length) / 10), Math.ceil(((tenth + 1) * curve.length) / 10)),
    ),
  );
}

import pg from 'pg';
import { type Phase, startClaimers } from '../bulk/claimers.js';
import { createNoOps } from '../bulk/createNoOps.js';
import { openEngine } from '../fills/openEngine.js';
import type { Benchmark, Table } from '../harness/benchmark.js';
import { percentile } from '../harness/statistics.js';

const TASKS = Number(process.env.SOAK_TASKS ?? 1_000_000);
const SNAPSHOT_SECONDS = Number(process.env.SOAK_SNAPSHOT_SECONDS ?? 600);
const CLAIMERS = 4;
const IN_FLIGHT = 32;
const FILL = 5_000;
/** Shares of all tasks: at full speed before, at an even pace around the snapshot; the rest at full speed after it. */
const BEFORE = 0.4;
const PACED = 0.2;
/** Of the snapshot's time: the pace is held for so long before it, to compare with, and after it, to recover. */
const AROUND = 0.2;
/** Claimable tasks that stand behind the head all the time. */
const STANDING = 0.02;
const TENTHS = 10;
/** Done before anything counts: runtimes compile, caches and plans warm up. */
const WARM = 20_000;
const WATCHED = ['ready_tasks', 'leases', 'runs', 'orchestrators', 'tasks', 'events'] as const;

export const soak: Benchmark = {
  name: 'soak',
  title: 'Soak',
  about: `${TASKS.toLocaleString('en-US')} no-op tasks of one orchestrator through ${CLAIMERS} processes, one per call, ${IN_FLIGHT} calls in flight in each. The
first two fifths are drained at full speed. Then tasks come and go at an even pace, first as they are, then for ${SNAPSHOT_SECONDS} s while
somebody holds a snapshot open (a REPEATABLE READ transaction), so that no vacuum may remove what was claimed, then without it again.
The rest is drained at full speed. Each task is proved to be done once. Sizes are those of table and indexes together.`,
  describeRounds: () => 'One run',
  async run({ startPostgres, say }) {
    const server = await startPostgres();
    const url = await server.createDatabase('soak');
    const { engine, close } = await openEngine(url, { poolSize: 4 });
    const { id: orchestratorId } = await engine.createOrchestrator({
      name: 'Benchmark',
      role: 'Runner',
      discipline: 'Nothing',
      maxConcurrentTasks: 1_000,
    });
    const watcher = new pg.Client(url);
    await watcher.connect();
    const claimers = startClaimers(CLAIMERS, url, orchestratorId);
    const sizes: { when: string; megabytes: number[]; dead: number }[] = [];
    const look = async (when: string): Promise<void> => {
      sizes.push({ when, ...(await readSizes(watcher)) });
      const { megabytes, dead } = sizes[sizes.length - 1] as (typeof sizes)[number];
      say(
        `${when}: ${WATCHED.map((name, index) => `${name} ${megabytes[index]?.toFixed(1)} MB`).join(', ')}, ${dead} dead queue rows`,
      );
    };
    let made = 0;
    const fill = async (amount: number): Promise<void> => {
      for (let left = amount; left > 0; left -= FILL)
        await createNoOps(engine, orchestratorId, Math.min(left, FILL));
      made += amount;
    };
    try {
      await fill(WARM);
      await claimers.run({ do: 'drain', inFlight: IN_FLIGHT }, {});
      const warm = made;
      made = 0;
      say('filling');
      await fill(Math.round(TASKS * (BEFORE + STANDING)));
      await look('filled');

      say('at full speed');
      const before = await claimers.run(
        { do: 'drain', inFlight: IN_FLIGHT },
        { done: Math.round(TASKS * BEFORE) },
      );
      await look('after two fifths');

      const around = SNAPSHOT_SECONDS * AROUND;
      const perSecond = (TASKS * PACED) / (SNAPSHOT_SECONDS + 2 * around);
      const paced = async (what: string, seconds: number): Promise<Phase> => {
        say(`${what}: ${perSecond.toFixed(0)} tasks a second for ${seconds} s`);
        const feeding = feed(fill, perSecond, seconds);
        const phase = await claimers.run({ do: 'pace', perSecond: perSecond / CLAIMERS }, { seconds });
        await feeding;
        say(`  ${phase.done} done, claim p50 ${p(phase, 0.5)} ms, p95 ${p(phase, 0.95)} ms`);
        return phase;
      };
      const alone = await paced('without an old snapshot', around);
      await look('before the snapshot');
      const old = new pg.Client(url);
      await old.connect();
      await old.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      await old.query('SELECT count(*) FROM workspaces');
      const held = await paced('with an old snapshot', SNAPSHOT_SECONDS);
      await look('at the end of the snapshot');
      await old.query('COMMIT');
      await old.end();
      const recovered = await paced('the snapshot has gone', around);
      await look('after the snapshot');

      say('filling');
      await fill(TASKS - made);
      say('at full speed');
      const after = await claimers.run({ do: 'drain', inFlight: IN_FLIGHT }, {});
      await look('at the end');
      await prove(watcher, TASKS + warm);

      const tenth = TASKS / TENTHS;
      const first = speed(before, 0, tenth);
      const last = speed(after, after.done - tenth, after.done);
      const usual = percentileOf(alone, 0.95);
      return {
        tables: [speedTable(before, after), claimTable({ alone, held, recovered }), sizeTable(sizes)],
        verdicts: [
          {
            what: 'last tenth ÷ first tenth, tasks/s',
            value: last / first,
            aim: { at: 'least', bound: 0.85 },
          },
          {
            what: 'claim p95 while the snapshot is held ÷ before it',
            value: percentileOf(held, 0.95) / usual,
            aim: { at: 'most', bound: 2 },
          },
          {
            what: 'claim p95 in its last tenth ÷ before it',
            value: percentile(tenthOf(held, TENTHS - 1), 0.95) / usual,
            aim: { at: 'most', bound: 2 },
          },
          {
            what: 'claim p95 after it ÷ before it',
            value: percentileOf(recovered, 0.95) / usual,
            aim: null,
          },
          {
            what: 'tasks done while it is held ÷ wanted',
            value: held.done / (perSecond * SNAPSHOT_SECONDS),
            aim: { at: 'least', bound: 0.95 },
          },
          ...(['ready_tasks', 'leases'] as const).map((name) => ({
            what: `size of ${name} at the end ÷ after two fifths`,
            value: sizeAt(sizes, 'at the end', name) / sizeAt(sizes, 'after two fifths', name),
            aim: { at: 'most' as const, bound: 1.2 },
          })),
        ],
        notes: [
          `While a snapshot is held, what was claimed and completed since it began can't be removed, nor its index entries marked as dead.
Claims don't step over it because they begin at a mark ([decision 11](../decisions/0011-queues-begin-at-a-mark.md)).`,
          `Sizes are looked at in the midst of work. That of leases under full speed tells when vacuum came last as much as anything else;
that it recovers is told by its size after the snapshot, beside that at the end of it.`,
        ],
      };
    } finally {
      await claimers.end();
      await watcher.end();
      await close();
    }
  },
};

/** As many new tasks a second as are claimed. */
async function feed(
  fill: (amount: number) => Promise<void>,
  perSecond: number,
  seconds: number,
): Promise<void> {
  const start = performance.now();
  for (let fed = 0; ; ) {
    const passed = Math.min((performance.now() - start) / 1_000, seconds);
    const due = Math.round(passed * perSecond) - fed;
    if (due > 0) await fill(due);
    fed += Math.max(due, 0);
    if (passed >= seconds) return;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function readSizes(client: pg.Client): Promise<{ megabytes: number[]; dead: number }> {
  const { rows } = await client.query<{ megabytes: number[]; dead: number }>(
    `SELECT array_agg(pg_total_relation_size(n::regclass)::float8 / 1e6 ORDER BY o) AS megabytes,
            (SELECT sum(n_dead_tup)::int FROM pg_stat_user_tables WHERE relname IN ('ready_tasks', 'leases')) AS dead
     FROM unnest($1::text[]) WITH ORDINALITY AS t(n, o)`,
    [[...WATCHED]],
  );
  return rows[0] as { megabytes: number[]; dead: number };
}

async function prove(client: pg.Client, tasks: number): Promise<void> {
  const { rows } = await client.query<Record<string, number>>(`
    SELECT (SELECT count(*)::int FROM tasks WHERE status = 'DONE') AS done, (SELECT count(*)::int FROM attempts) AS attempts,
           (SELECT count(*)::int FROM ready_tasks) + (SELECT count(*)::int FROM leases) AS open`);
  const found = rows[0];
  if (found?.done !== tasks || found.attempts !== tasks || found.open !== 0)
    throw new Error(`Of ${tasks} tasks: ${JSON.stringify(found)}`);
}

/** Tasks a second between two sums of a phase. */
function speed(phase: Phase, from: number, to: number): number {
  const at = (sum: number): number =>
    sum <= 0 ? 0 : (phase.curve.find(({ done }) => done >= sum)?.ms ?? phase.curve.at(-1)?.ms ?? 0);
  return (to - from) / ((at(to) - at(from)) / 1_000);
}

const percentileOf = (phase: Phase, share: number): number =>
  percentile(
    phase.claims.map(({ ms }) => ms),
    share,
  );
const p = (phase: Phase, share: number): string => percentileOf(phase, share).toFixed(2);

function tenthOf(phase: Phase, tenth: number): number[] {
  const end = Math.max(...phase.claims.slice(-1_000).map(({ at }) => at)) + 1;
  return phase.claims
    .filter(({ at }) => at >= (end * tenth) / TENTHS && at < (end * (tenth + 1)) / TENTHS)
    .map(({ ms }) => ms);
}

function speedTable(before: Phase, after: Phase): Table {
  const tenth = TASKS / TENTHS;
  const steps = (phase: Phase, offset: number) =>
    Array.from({ length: 4 }, (_, step) => speed(phase, offset + step * tenth, offset + (step + 1) * tenth));
  const speeds = [...steps(before, 0), ...steps(after, after.done - 4 * tenth)];
  return {
    title: 'Tasks a second, a tenth of all tasks at a time',
    unit: 'tasks/s',
    along: 'tenth',
    points: ['1st', '2nd', '3rd', '4th', '7th', '8th', '9th', '10th'],
    rows: [{ name: 'neolith', samples: speeds.map((value) => [value]) }],
    plot: 'bars',
  };
}

function claimTable({ alone, held, recovered }: Record<'alone' | 'held' | 'recovered', Phase>): Table {
  const parts = [
    alone.claims.map(({ ms }) => ms),
    ...Array.from({ length: TENTHS }, (_, tenth) => tenthOf(held, tenth)),
    recovered.claims.map(({ ms }) => ms),
  ];
  return {
    title: 'How long a claim takes, at an even pace',
    unit: 'ms',
    along: 'snapshot held',
    points: ['before', ...Array.from({ length: TENTHS }, (_, tenth) => `${tenth + 1}/10`), 'after'],
    rows: [
      { name: 'p50', samples: parts.map((part) => [percentile(part, 0.5)]) },
      { name: 'p95', samples: parts.map((part) => [percentile(part, 0.95)]) },
    ],
    plot: 'lines',
  };
}

function sizeTable(sizes: readonly { when: string; megabytes: number[] }[]): Table {
  return {
    title: 'Sizes',
    unit: 'MB',
    along: 'table',
    points: sizes.map(({ when }) => when),
    rows: WATCHED.map((name, index) => ({
      name,
      samples: sizes.map(({ megabytes }) => [megabytes[index] ?? 0]),
    })),
    plot: 'none',
  };
}

function sizeAt(
  sizes: readonly { when: string; megabytes: number[] }[],
  when: string,
  name: (typeof WATCHED)[number],
): number {
  return sizes.find((size) => size.when === when)?.megabytes[WATCHED.indexOf(name)] ?? Number.NaN;
}

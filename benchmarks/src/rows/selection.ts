import type { Criteria, OrchestratorDetail } from '@neolith/work-engine';
import { fillTasks, settleTables } from '../fills/fillTasks.js';
import { type BenchEngine, FILL_TIMEOUT_MS, openEngine } from '../fills/openEngine.js';
import type { Benchmark, Outcome, Table } from '../harness/benchmark.js';
import { interleave } from '../harness/interleave.js';
import { median, percentile } from '../harness/statistics.js';

const SIZES = [1_000, 10_000, 100_000, 1_000_000];
const QUICK_SIZES = [1_000, 100_000];
/** Beside a round's other contestants, in one go; p99 is the third slowest. */
const CALLS = { full: 300, quick: 150 };
const SLACK = { quick: 2.5, full: 1.5 };

const LOOKS: readonly { name: string; criteria: Criteria }[] = [
  { name: 'no criteria', criteria: {} },
  { name: 'a common tag (one task in ten)', criteria: { requireTags: ['tag-3'] } },
  { name: 'a rare tag (eight tasks)', criteria: { requireTags: ['rare'] } },
  { name: 'an absent tag', criteria: { requireTags: ['absent'] } },
];

/** A call that is timed: ours, or the very statement that ours sends. */
interface Contestant {
  readonly name: string;
  call(): Promise<unknown>;
}

export const selection: Benchmark = {
  name: 'selection',
  title: 'Selecting the next task',
  quick: true,
  about: `An operation is one \`selectNextTask\`, one at a time. A database of its own for each size, with so many open tasks of one
orchestrator; three quarters of them are blocked by another task. *Bare* is the statement that the call sends, taken from the wire
and sent again by \`pool.query\` of the same \`pg\` pool, under the same name and with the same values: what is left of ours is
checking the criteria and making the task. In the second table 100,000 tasks that may not be handed out are CRITICAL and overdue
for ten days, in front of a backlog of 1,000.`,
  async run({ rounds, quick, startPostgres, say }) {
    const server = await startPostgres();
    const sizes = quick ? QUICK_SIZES : SIZES;
    const opened: BenchEngine[] = [];
    const open = async (name: string): Promise<BenchEngine> => {
      const made = await openEngine(await server.createDatabase(name), {
        statementTimeoutMs: FILL_TIMEOUT_MS,
      });
      opened.push(made);
      return made;
    };
    try {
      const sized: Contestant[][] = [];
      for (const size of sizes) {
        say(`filling ${size.toLocaleString('en-US')} open tasks`);
        const at = await open(`open_${size}`);
        const orchestrator = await makeOrchestrator(at, 'Sized');
        await fillTasks(at.pool, { orchestratorId: orchestrator.id, count: size, kind: 'backlog' });
        await settleTables(at.pool);
        if (size <= 100_000) await checkDrift(at);
        for (const [index, { name, criteria }] of LOOKS.entries()) {
          const found = await at.engine.selectNextTask(orchestrator.id, criteria);
          if ((found === null) !== (name === 'an absent tag'))
            throw new Error(`${name}: found ${found?.title}`);
          sized[index] = [...(sized[index] ?? []), ...(await both(at, orchestrator, name, criteria))];
        }
      }
      say('filling 100,000 in front');
      const ahead = await fillAhead(await open('ahead'), quick ? QUICK_AHEAD : AHEAD);

      const contestants = [...sized.flat(), ...ahead.flatMap(({ contestants: two }) => two)];
      const calls = quick ? CALLS.quick : CALLS.full;
      say(`${contestants.length} contestants, ${calls} calls each a round`);
      const samples = await interleave(contestants, rounds, ({ call }) => timeCalls(call, calls));
      const of = (contestant: Contestant | undefined) =>
        contestant === undefined ? [] : (samples[contestants.indexOf(contestant)] ?? []);
      return report(sizes, sized, ahead, of, quick ? SLACK.quick : SLACK.full);
    } finally {
      for (const one of opened) await one.close();
    }
  },
};

async function makeOrchestrator({ engine }: BenchEngine, name: string): Promise<OrchestratorDetail> {
  return engine.createOrchestrator({ name, role: 'Runner', discipline: 'Nothing', maxConcurrentTasks: 100 });
}

/** What was filled by SQL stands where the engine itself would have put it. */
async function checkDrift({ engine }: BenchEngine): Promise<void> {
  const { repaired } = await engine.recalculateAllStatuses();
  if (repaired.length > 0) throw new Error(`The fill is inconsistent: ${repaired[0]?.problem}`);
}

async function both(
  { engine, pool }: BenchEngine,
  orchestrator: OrchestratorDetail,
  name: string,
  criteria: Criteria,
): Promise<[Contestant, Contestant]> {
  const call = () => engine.selectNextTask(orchestrator.id, criteria);
  const sent = await overhear(pool, call);
  return [
    { name, call },
    { name: `${name}, bare`, call: () => pool.query(sent) },
  ];
}

/** The one statement that a call sends through the pool. */
async function overhear(pool: BenchEngine['pool'], call: () => Promise<unknown>) {
  const heard: { name: string; text: string; values: unknown[] }[] = [];
  const query = pool.query;
  pool.query = ((config: (typeof heard)[number]) => {
    heard.push(config);
    return Reflect.apply(query, pool, [config]);
  }) as typeof pool.query;
  try {
    await call();
  } finally {
    pool.query = query;
  }
  const [only] = heard;
  if (only === undefined || heard.length > 1) throw new Error(`A selection sent ${heard.length} statements`);
  return only;
}

async function timeCalls(call: () => Promise<unknown>, calls: number): Promise<{ p50: number; p99: number }> {
  const times: number[] = [];
  for (let n = 0; n < calls; n += 1) {
    const start = performance.now();
    await call();
    times.push(performance.now() - start);
  }
  return { p50: median(times), p99: percentile(times, 0.99) };
}

interface Ahead {
  readonly name: string;
  readonly criteria?: Criteria;
  /** Held to the aim; the others walk along what is in front, and the table says what that costs. */
  readonly bounded: boolean;
  fill(at: BenchEngine, orchestratorId: string): Promise<void>;
}

const IN_FRONT = 100_000;
const inFront = { count: IN_FRONT, urgent: true };

const AHEAD: readonly Ahead[] = [
  { name: 'nothing in front', bounded: true, fill: async () => {} },
  {
    name: 'blocked',
    bounded: true,
    fill: ({ pool }, orchestratorId) => fillTasks(pool, { ...inFront, orchestratorId, kind: 'blocked' }),
  },
  {
    name: 'not before tomorrow',
    bounded: true,
    fill: ({ pool }, orchestratorId) => fillTasks(pool, { ...inFront, orchestratorId, kind: 'delayed' }),
  },
  {
    name: 'of a paused run',
    bounded: true,
    async fill({ engine, pool }, orchestratorId) {
      const run = await engine.createRun({ name: 'Paused' });
      await fillTasks(pool, { ...inFront, orchestratorId, kind: 'claimable', runId: run.id });
      await engine.startRun(run.id);
      await engine.pauseRun(run.id);
    },
  },
  {
    name: 'of a run without a free slot',
    bounded: true,
    async fill({ engine, pool }, orchestratorId) {
      const run = await engine.createRun({ name: 'Full', config: { maxConcurrentTasks: 1 } });
      await fillTasks(pool, { ...inFront, orchestratorId, kind: 'claimable', runId: run.id });
      await engine.startRun(run.id);
      await engine.claimNextTask(orchestratorId, { criteria: { runId: run.id } });
    },
  },
  {
    name: 'of a higher priority than asked for',
    criteria: { maxPriority: 'HIGH' },
    bounded: true,
    fill: ({ pool }, orchestratorId) => fillTasks(pool, { ...inFront, orchestratorId, kind: 'claimable' }),
  },
  {
    name: 'without the required tag',
    criteria: { requireTags: ['rare'] },
    bounded: true,
    fill: ({ pool }, orchestratorId) =>
      fillTasks(pool, { ...inFront, orchestratorId, kind: 'claimable', tag: 'front' }),
  },
  {
    name: 'with one of two required tags',
    criteria: { requireTags: ['pair', 'rare'] },
    bounded: true,
    fill: ({ pool }, orchestratorId) =>
      fillTasks(pool, { ...inFront, orchestratorId, kind: 'claimable', tag: 'pair' }),
  },
  {
    name: 'with an excluded tag',
    criteria: { excludeTags: ['front'] },
    bounded: false,
    fill: ({ pool }, orchestratorId) =>
      fillTasks(pool, { ...inFront, orchestratorId, kind: 'claimable', tag: 'front' }),
  },
];
const QUICK_AHEAD = AHEAD.filter(({ name }) =>
  ['nothing in front', 'blocked', 'of a paused run'].includes(name),
);

interface FilledAhead {
  readonly ahead: Ahead;
  readonly contestants: readonly [Contestant, Contestant];
}

async function fillAhead(at: BenchEngine, kinds: readonly Ahead[]): Promise<FilledAhead[]> {
  const orchestrators: OrchestratorDetail[] = [];
  for (const ahead of kinds) {
    const orchestrator = await makeOrchestrator(at, ahead.name);
    orchestrators.push(orchestrator);
    await fillTasks(at.pool, { orchestratorId: orchestrator.id, count: 1_000, kind: 'backlog' });
    await ahead.fill(at, orchestrator.id);
  }
  await settleTables(at.pool);
  const filled: FilledAhead[] = [];
  for (const [index, ahead] of kinds.entries()) {
    const orchestrator = orchestrators[index] as OrchestratorDetail;
    const criteria = ahead.criteria ?? {};
    const found = await at.engine.selectNextTask(orchestrator.id, criteria);
    if (found === null || found.tags.includes('front'))
      throw new Error(`${ahead.name}: found ${found?.title}`);
    filled.push({ ahead, contestants: await both(at, orchestrator, ahead.name, criteria) });
  }
  return filled;
}

type Samples = readonly { p50: number; p99: number }[];

function report(
  sizes: readonly number[],
  sized: readonly (readonly Contestant[])[],
  ahead: readonly FilledAhead[],
  of: (contestant: Contestant | undefined) => Samples,
  bound: number,
): Outcome {
  const p50 = (contestant: Contestant | undefined) => median(of(contestant).map((sample) => sample.p50));
  const bySize = (which: 'p50' | 'p99'): Table['rows'] =>
    LOOKS.flatMap((look, index) =>
      ['', ', bare'].map((suffix, offset) => ({
        name: `${look.name}${suffix}`,
        samples: sizes.map((_, size) => of(sized[index]?.[2 * size + offset]).map((sample) => sample[which])),
      })),
    );
  const [small, large] = [sizes[0] ?? 0, sizes.at(-1) ?? 0].map((size) => size.toLocaleString('en-US'));
  const none = ahead[0]?.contestants[0];
  return {
    tables: [
      { title: 'p50 by size', unit: 'ms', along: 'open tasks', points: sizes, rows: bySize('p50') },
      {
        title: 'p99 by size',
        unit: 'ms',
        along: 'open tasks',
        points: sizes,
        rows: bySize('p99'),
        plot: 'none',
      },
      {
        title: '100,000 ineligible tasks in front',
        unit: 'ms',
        along: 'ours, or bare',
        points: ['p50', 'p50, bare', 'p99'],
        plot: 'none',
        rows: ahead.map(({ ahead: { name }, contestants: [ours, bare] }) => ({
          name,
          samples: [
            of(ours).map((sample) => sample.p50),
            of(bare).map((sample) => sample.p50),
            of(ours).map((sample) => sample.p99),
          ],
        })),
      },
    ],
    notes: [
      `Excluded tags are a filter along the heads: each task in front that has one is read and stepped over, about a quarter of a
microsecond each. What would make it a probe is a queue for each set of tags that occurs, as runs have: one more index entry
for each task that becomes claimable, and a probe for each set that isn't excluded. It isn't there, because exclusions are few and
short-lived in practice while every claim would pay.`,
    ],
    verdicts: [
      ...LOOKS.map(({ name }, index) => ({
        what: `p50 at ${large} ÷ at ${small}, ${name}`,
        value: p50(sized[index]?.at(-2)) / p50(sized[index]?.[0]),
        aim: { at: 'most' as const, bound },
      })),
      ...LOOKS.map(({ name }, index) => ({
        what: `ours ÷ the bare statement at ${large}, ${name}`,
        value: p50(sized[index]?.at(-2)) / p50(sized[index]?.at(-1)),
        aim: { at: 'most' as const, bound },
      })),
      ...ahead.slice(1).map(({ ahead: { name, bounded }, contestants: [ours] }) => ({
        what: `p50 with 100,000 in front ÷ with none, ${name}`,
        value: p50(ours) / p50(none),
        aim: bounded ? { at: 'most' as const, bound } : null,
      })),
    ],
  };
}

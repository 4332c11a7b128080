import { fillTasks, settleTables } from '../fills/fillTasks.js';
import { type BenchEngine, FILL_TIMEOUT_MS, openEngine } from '../fills/openEngine.js';
import type { Benchmark } from '../harness/benchmark.js';
import { interleave } from '../harness/interleave.js';
import { median } from '../harness/statistics.js';

const TASKS = Number(process.env.RESOURCES_TASKS ?? 200_000);
const MOST_HELD = 1_000;
const CALLS = { one: 100, ten: 20 };

interface Kind {
  readonly name: string;
  /** How many paths the running tasks of another orchestrator hold meanwhile, one each. */
  readonly held: number;
  /** What one task in ten asks for; null: nothing does. */
  readonly asks: 'own' | 'held' | null;
}

const BASE: Kind = { name: 'nobody asks, nothing is held', held: 0, asks: null };
const NOBODY_ASKS: Kind = { name: 'nobody asks, others hold 1,000', held: MOST_HELD, asks: null };
const ASKS: Kind = { name: 'one in ten asks, nothing is held', held: 0, asks: 'own' };
const ASKS_AMONG_FEW: Kind = { name: 'one in ten asks, others hold 100', held: 100, asks: 'own' };
const ASKS_AMONG_MANY: Kind = { name: 'one in ten asks, others hold 1,000', held: MOST_HELD, asks: 'own' };
const WAITS: Kind = {
  name: 'one in ten waits for one of 1,000 that others hold',
  held: MOST_HELD,
  asks: 'held',
};
const KINDS = [BASE, NOBODY_ASKS, ASKS, ASKS_AMONG_FEW, ASKS_AMONG_MANY, WAITS];

export const resources: Benchmark = {
  name: 'resources',
  title: 'Claims with resources',
  about: `${TASKS.toLocaleString('en-US')} claimable tasks of one orchestrator; where it says so, every tenth asks for a path, each for one of its own or for
one of those that the running tasks of another orchestrator hold. An operation is one \`claimNextTask\`, for one task or for ten,
one at a time; what was claimed is completed between two calls, outside of the figures. A database of its own for each row.`,
  async run({ rounds, startPostgres, say }) {
    const server = await startPostgres();
    const opened: BenchEngine[] = [];
    try {
      const contestants: { name: string; claim(max: number): Promise<number> }[] = [];
      for (const [index, kind] of KINDS.entries()) {
        say(`filling: ${kind.name}`);
        const at = await openEngine(await server.createDatabase(`resources_${index}`), {
          statementTimeoutMs: FILL_TIMEOUT_MS,
        });
        opened.push(at);
        const orchestratorId = await fillKind(at, kind);
        contestants.push({ name: kind.name, claim: (max) => timeClaim(at, orchestratorId, max) });
      }
      const sampled = async (max: number, calls: number) =>
        interleave(contestants, rounds, async ({ claim }) => {
          const times: number[] = [];
          for (let call = 0; call < calls; call += 1) times.push(await claim(max));
          return median(times);
        });
      const one = await sampled(1, CALLS.one);
      const ten = await sampled(10, CALLS.ten);
      const ratio = (kind: Kind, base: Kind) =>
        median(one[KINDS.indexOf(kind)] ?? []) / median(one[KINDS.indexOf(base)] ?? []);
      return {
        tables: [
          {
            title: 'A claim',
            unit: 'ms',
            along: 'tasks a claim',
            points: [1, 10],
            plot: 'none',
            rows: contestants.map(({ name }, index) => ({
              name,
              samples: [one[index] ?? [], ten[index] ?? []],
            })),
          },
        ],
        notes: [
          `In the last row the tasks that wait come to lie in front, more with each round, and each claim asks of every one of them whether its
path is free, against all that is held: some forty of them half-way through the first column, so that a fortieth of what this row has
more than the first is what one of them costs with 1,000 paths held. Only claims of the same orchestrator pay for it.`,
        ],
        verdicts: [
          {
            what: 'nobody asks: others hold 1,000 ÷ nothing is held',
            value: ratio(NOBODY_ASKS, BASE),
            aim: { at: 'most' as const, bound: 1.5 },
          },
          {
            what: 'one in ten asks: others hold 100 ÷ nothing is held',
            value: ratio(ASKS_AMONG_FEW, ASKS),
            aim: { at: 'most' as const, bound: 1.5 },
          },
          ...[ASKS, ASKS_AMONG_MANY, WAITS].map((kind) => ({
            what: `${kind.name} ÷ ${BASE.name}`,
            value: ratio(kind, BASE),
            aim: null,
          })),
        ],
      };
    } finally {
      for (const at of opened) await at.close();
    }
  },
};

async function fillKind(at: BenchEngine, { held, asks }: Kind): Promise<string> {
  const make = async (name: string) =>
    (
      await at.engine.createOrchestrator({
        name,
        role: 'Runner',
        discipline: 'Nothing',
        maxConcurrentTasks: MOST_HELD,
      })
    ).id;
  if (held > 0) {
    const holder = await make('Holder');
    await at.engine.createTasks(
      Array.from({ length: held }, (_, n) => ({
        title: `Holds ${n}`,
        orchestratorId: holder,
        resources: [`path:held/${n}/**`],
      })),
    );
    for (let claimed = 0; claimed < held; ) {
      const { claims } = await at.engine.claimNextTask(holder, { max: 50, leaseSeconds: 3_600 });
      if (claims.length === 0) throw new Error(`Only ${claimed} of ${held} could be claimed`);
      claimed += claims.length;
    }
  }
  const claimer = await make('Claimer');
  await fillTasks(at.pool, {
    orchestratorId: claimer,
    count: TASKS,
    kind: 'claimable',
    ...(asks === null ? {} : { asks }),
  });
  await settleTables(at.pool);
  return claimer;
}

async function timeClaim({ engine }: BenchEngine, orchestratorId: string, max: number): Promise<number> {
  const start = performance.now();
  const { claims } = await engine.claimNextTask(orchestratorId, { max });
  const took = performance.now() - start;
  if (claims.length !== max) throw new Error(`${claims.length} tasks were claimed instead of ${max}`);
  for (const { task, attempt } of claims)
    await engine.completeTask(task.id, { status: 'completed', attemptId: attempt.id });
  return took;
}

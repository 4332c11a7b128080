import type { ContestantSettings } from '../contestants/contestantSettings.js';
import type { Benchmark, Outcome, Setting, Verdict } from '../harness/benchmark.js';
import { type ContestantProcess, openContestantProcess } from '../harness/contestantProcess.js';
import { drainRate } from '../harness/drainRate.js';
import { interleave } from '../harness/interleave.js';
import { describeContestants } from '../harness/machine.js';
import type { PostgresServer } from '../harness/postgresServer.js';
import { sizeOfRound } from '../harness/sizeOfRounds.js';
import { median } from '../harness/statistics.js';
import { numbersFrom, wordsFrom } from '../harness/wanted.js';

const FAR_AHEAD = 2_000;
const HUNDREDS = 100;

const NAMES = {
  neolith: 'neolith',
  'graphile-plain': 'graphile-worker, plain',
  'graphile-batched': 'graphile-worker, batched, local queue as large as in flight',
  'graphile-ahead': `graphile-worker, batched, local queue of ${FAR_AHEAD.toLocaleString('en-US')}`,
  'pg-boss': 'pg-boss, one by one',
  'pg-boss-hundreds': 'pg-boss, in hundreds',
  bullmq: 'BullMQ, Redis without fsync',
  'bullmq-always': 'BullMQ, Redis appendfsync always',
} as const;
type Key = keyof typeof NAMES;

export const throughput: Benchmark = {
  name: 'throughput',
  title: 'Claim and complete',
  quick: true,
  about: `An operation is one no-op task, claimed and completed, with so many in flight in one process; each contestant has a
process of its own and works while all others rest. Filling the queue is not measured. Each round proves that every task
was done, and done once. Rounds last about half a second each; before each, PostgreSQL vacuums and
analyses what it is about to work on, for all alike.

- **neolith**: \`claimNextTask\`, then \`completeTask\`, one task a call. Each claim checks the orchestrator's limit and takes
  the best task by score; each task gets a lease, an attempt and two events of its history.
- **graphile-worker, plain**: \`run\` with a \`concurrency\`, as its README starts it, on a pool of \`concurrency + 2\`
  connections, at most 100. **Batched**: its local queue and its batched completion (\`completeJobBatchDelay: 0\`). With a local
  queue of ${FAR_AHEAD.toLocaleString('en-US')} it claims far ahead of what is in flight: a process that dies takes all of these with it.
- **pg-boss**: \`fetch\` and \`complete\` in as many loops as are in flight, one job or ${HUNDREDS} a call (then one loop for each ${HUNDREDS} in
  flight, at least one).
- **BullMQ**: one \`Worker\` with a \`concurrency\`, finished jobs removed; on Redis that writes nothing to disk, and on Redis
  that, like PostgreSQL here, has each write on disk before it answers.`,
  run: runThroughput,
};

interface Opened {
  readonly key: Key;
  readonly process: ContestantProcess;
  tasksPerSecond: number | null;
}

async function runThroughput(setting: Setting): Promise<Outcome> {
  const all: readonly Key[] = setting.quick ? ['neolith', 'graphile-plain'] : (Object.keys(NAMES) as Key[]);
  const keys = wordsFrom('ONLY', all);
  const points = numbersFrom('IN_FLIGHT', setting.quick ? [32] : [8, 32, 128, 512]);
  const opened = await openAll(setting, keys);
  const rows = opened.map(({ key }) => ({ name: NAMES[key], samples: [] as number[][] }));
  try {
    for (const inFlight of points) {
      for (const contestant of opened) contestant.tasksPerSecond = null;
      const samples = await interleave(opened, setting.rounds, async (contestant, round) => {
        const { key, process } = contestant;
        const rate = await drainRate(NAMES[key], [process], sizeOfRound(contestant.tasksPerSecond), inFlight);
        contestant.tasksPerSecond = rate;
        setting.say(`${inFlight} in flight, round ${round}, ${NAMES[key]}: ${Math.round(rate)}/s`);
        return rate;
      });
      samples.forEach((values, index) => {
        rows[index]?.samples.push(values);
      });
    }
  } finally {
    for (const { process } of opened) await process.close();
  }
  const medianOf = (key: Key, inFlight: number): number => {
    const samples = rows[opened.findIndex((contestant) => contestant.key === key)]?.samples;
    return median(samples?.[points.indexOf(inFlight)] ?? []);
  };
  return {
    tables: [
      {
        title: 'Claim and complete',
        unit: 'tasks/s',
        along: 'in flight',
        points: [...points],
        rows,
        logarithmic: true,
      },
    ],
    verdicts: verdictsOf(
      opened.map(({ key }) => key),
      points,
      medianOf,
      setting.quick ? QUICK_AIMS : AIMS,
    ),
    notes: [
      `Where ours spends its time: [costs](costs.md) has what claim and ending cost inside PostgreSQL, beside the plain statements that write the
same rows. With few calls in flight the start of a function's statements is most of it, with many the rows that are written: lease,
attempt, outcome, two events, and the task's row twice ([decision 10](../decisions/0010-what-a-task-may-cost.md)). Who is faster here keeps less: a
job that is done is deleted, and nothing tells afterwards who did it, when, and after how many attempts.`,
      describeContestants(['graphile-worker', 'pg-boss', 'bullmq', 'pg']),
    ],
  };
}

async function openAll(setting: Setting, keys: readonly Key[]): Promise<Opened[]> {
  // Each keeps its connections while others have their turn; several want a hundred.
  const server = await setting.startPostgres({ max_connections: 500 });
  const opened: Opened[] = [];
  for (const key of keys) {
    const settings = await settingsOf(setting, server, key);
    if (settings !== null) {
      opened.push({ key, process: await openContestantProcess(settings), tasksPerSecond: null });
    }
  }
  return opened;
}

async function settingsOf(
  setting: Setting,
  server: PostgresServer,
  key: Key,
): Promise<ContestantSettings | null> {
  if (key === 'bullmq' || key === 'bullmq-always') {
    const redis = await setting.startRedis(key === 'bullmq' ? 'none' : 'appendfsync always');
    return redis === null ? null : { kind: 'bullmq', port: redis.port };
  }
  const url = await server.createDatabase(key.replaceAll('-', '_'));
  switch (key) {
    case 'neolith':
      return { kind: 'neolith', url };
    case 'graphile-plain':
      return { kind: 'graphile-worker', url, mode: 'plain' };
    case 'graphile-batched':
      return { kind: 'graphile-worker', url, mode: 'batched' };
    case 'graphile-ahead':
      return { kind: 'graphile-worker', url, mode: FAR_AHEAD };
    case 'pg-boss':
      return { kind: 'pg-boss', url, batchSize: 1 };
    case 'pg-boss-hundreds':
      return { kind: 'pg-boss', url, batchSize: HUNDREDS };
  }
}

/** What ours has to be, by contestant, and from how many in flight. */
const AIMS: readonly { peer: Key; bound: number; at(inFlight: number): boolean }[] = [
  { peer: 'graphile-batched', bound: 1.25, at: (inFlight) => inFlight >= 32 },
  { peer: 'bullmq', bound: 2, at: (inFlight) => inFlight === 128 },
  { peer: 'graphile-plain', bound: 8, at: (inFlight) => inFlight >= 32 },
  { peer: 'pg-boss', bound: 15, at: (inFlight) => inFlight >= 32 },
];

/** With slack, below 1 for a processor that is slow beside its disk: what misses this is a defect, not a busy machine. */
const QUICK_AIMS: typeof AIMS = [{ peer: 'graphile-plain', bound: 0.8, at: () => true }];

function verdictsOf(
  keys: readonly Key[],
  points: readonly number[],
  medianOf: (key: Key, inFlight: number) => number,
  aims: typeof AIMS,
): Verdict[] {
  if (!keys.includes('neolith')) return [];
  const peers = keys.filter((key) => key !== 'neolith');
  const verdicts = points.flatMap((inFlight) =>
    peers.map((peer): Verdict => {
      const aim = aims.find((each) => each.peer === peer && each.at(inFlight));
      return {
        what: `${inFlight} in flight: ours ÷ ${NAMES[peer]}`,
        value: medianOf('neolith', inFlight) / medianOf(peer, inFlight),
        aim: aim === undefined ? null : { at: 'least', bound: aim.bound },
      };
    }),
  );
  // The best of any peer with any setting, however many it has in flight.
  const best = Math.max(...peers.flatMap((peer) => points.map((inFlight) => medianOf(peer, inFlight))));
  if (points.includes(512) && peers.length > 0) {
    verdicts.push({
      what: '512 in flight: ours ÷ the best of any peer, however set, however many in flight',
      value: medianOf('neolith', 512) / best,
      aim: { at: 'least', bound: 1 },
    });
  }
  return verdicts;
}

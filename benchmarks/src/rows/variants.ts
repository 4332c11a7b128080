import type { NeolithSettings } from '../contestants/contestantSettings.js';
import type { Benchmark, Outcome, Setting, Verdict } from '../harness/benchmark.js';
import { type ContestantProcess, openContestantProcess } from '../harness/contestantProcess.js';
import { drainRate } from '../harness/drainRate.js';
import { interleave } from '../harness/interleave.js';
import { describeContestants } from '../harness/machine.js';
import { sizeOfRound } from '../harness/sizeOfRounds.js';
import { median } from '../harness/statistics.js';
import { numbersFrom, wordsFrom } from '../harness/wanted.js';

const ORCHESTRATORS = 8;
const PROCESSES = 4;
/** More than are ever in flight, in each of the four priorities, so that work stays available. */
const DEPENDENCY_DISTANCE = 1_000;
/** Most of them have a dependency, then. */
const TASKS_AT_LEAST = 6 * DEPENDENCY_DISTANCE;

const NAMES = {
  plain: 'one orchestrator, no dependencies, one process',
  dependencies: 'one dependency a task',
  orchestrators: `${ORCHESTRATORS} orchestrators`,
  processes: `${PROCESSES} processes`,
  run: 'tasks of a run',
} as const;
type Key = keyof typeof NAMES;

/** Within a quarter of the plain case; what the counts of a run cost is for information. */
const AIMS: Readonly<Record<Exclude<Key, 'plain'>, number | null>> = {
  dependencies: 0.75,
  orchestrators: 0.75,
  processes: 0.75,
  run: null,
};

export const variants: Benchmark = {
  name: 'variants',
  title: 'Claim and complete, with dependencies, several orchestrators, several processes',
  about: `The same operation as in [throughput](throughput.md), one task a call, always ours, each in a database of its own,
interleaved with the plain case. So many calls are in flight altogether.

- **One dependency a task**: task *i* depends on task *i* − ${DEPENDENCY_DISTANCE.toLocaleString('en-US')}. The first ${DEPENDENCY_DISTANCE.toLocaleString('en-US')} can start at once, and each completion
  makes exactly one other task ready, so that there is always work.
- **${ORCHESTRATORS} orchestrators**: tasks and callers are spread over them evenly.
- **${PROCESSES} processes**: one queue, what is in flight is split among them.
- **Tasks of a run**: all belong to one run that allows as many at once as a run can; its counts are kept with each call.`,
  run: runVariants,
};

interface Opened {
  readonly key: Key;
  readonly processes: readonly ContestantProcess[];
  tasksPerSecond: number | null;
}

async function runVariants(setting: Setting): Promise<Outcome> {
  const keys = wordsFrom('VARIANTS', Object.keys(NAMES) as Key[]);
  const points = numbersFrom('IN_FLIGHT', [32, 128]);
  const server = await setting.startPostgres();
  const opened: Opened[] = [];
  const rows = keys.map((key) => ({ name: NAMES[key], samples: [] as number[][] }));
  try {
    for (const key of keys) {
      const processes = await open(key, await server.createDatabase(key));
      opened.push({ key, processes, tasksPerSecond: null });
    }
    for (const inFlight of points) {
      for (const variant of opened) variant.tasksPerSecond = null;
      const samples = await interleave(opened, setting.rounds, async (variant, round) => {
        const { key, processes } = variant;
        const tasks = Math.max(TASKS_AT_LEAST, sizeOfRound(variant.tasksPerSecond));
        const rate = await drainRate(NAMES[key], processes, tasks, inFlight);
        variant.tasksPerSecond = rate;
        setting.say(`${inFlight} in flight, round ${round}, ${NAMES[key]}: ${Math.round(rate)}/s`);
        return rate;
      });
      samples.forEach((values, index) => {
        rows[index]?.samples.push(values);
      });
    }
  } finally {
    for (const { processes } of opened) for (const process of processes) await process.close();
  }
  return {
    tables: [
      {
        title: 'Claim and complete',
        unit: 'tasks/s',
        along: 'in flight',
        points: [...points],
        rows,
        plot: 'bars',
      },
    ],
    verdicts: verdictsOf(keys, points, (key, point) => median(rows[keys.indexOf(key)]?.samples[point] ?? [])),
    notes: [
      `Claims of one orchestrator share a statement, those of eight orchestrators don't, nor do calls of four processes: with as many calls
in flight batches are an eighth or a quarter as large, and the start of statements ([costs](costs.md)) is paid so many times as often. With more calls
in flight the batches grow again.`,
      describeContestants(['pg']),
    ],
  };
}

async function open(key: Key, url: string): Promise<ContestantProcess[]> {
  const first = await openContestantProcess(settingsOf(key, url));
  const processes = [first];
  if (key === 'processes' && first.joinWith !== null) {
    while (processes.length < PROCESSES) {
      processes.push(await openContestantProcess({ kind: 'neolith', url, join: first.joinWith }));
    }
  }
  return processes;
}

function settingsOf(key: Key, url: string): NeolithSettings {
  switch (key) {
    case 'plain':
    case 'processes':
      return { kind: 'neolith', url };
    case 'dependencies':
      return { kind: 'neolith', url, dependencyDistance: DEPENDENCY_DISTANCE };
    case 'orchestrators':
      return { kind: 'neolith', url, orchestrators: ORCHESTRATORS };
    case 'run':
      return { kind: 'neolith', url, inRun: true };
  }
}

function verdictsOf(
  keys: readonly Key[],
  points: readonly number[],
  medianAt: (key: Key, point: number) => number,
): Verdict[] {
  if (!keys.includes('plain')) return [];
  const others = keys.filter((key) => key !== 'plain');
  return points.flatMap((inFlight, point) =>
    others.map((key): Verdict => {
      const bound = AIMS[key];
      return {
        what: `${inFlight} in flight: ${NAMES[key]} ÷ the plain case`,
        value: medianAt(key, point) / medianAt('plain', point),
        aim: bound === null ? null : { at: 'least', bound },
      };
    }),
  );
}

import type { GraphContestant } from '../graphs/graphContestant.js';
import { openGraphContestant } from '../graphs/graphContestantProcess.js';
import { chain, fanIn, type GraphShape, randomDag } from '../graphs/graphShape.js';
import type { Benchmark, Setting, Table, Verdict } from '../harness/benchmark.js';
import { interleave } from '../harness/interleave.js';
import { median } from '../harness/statistics.js';
import { numbersFrom } from '../harness/wanted.js';

const IN_FLIGHT = [32, 128];

interface Entrant {
  name: string;
  process: GraphContestant;
  /** What it can't say is left out. */
  canDo(shape: GraphShape): boolean;
  /** How many are in flight is not its to choose: measured in the first table only. */
  once: boolean;
}

export const graphs: Benchmark = {
  name: 'graphs',
  title: 'Tasks that depend on one another',
  about: `An operation is one no-op task of a graph; the clock runs from the first claim to the last completion. Handing in the graph is not measured.

- **fan**: all tasks but one at once, then one that waits for all of them; **chain**: one after the other; **random graph**: each task depends on
  none to three of the thousand before it, the same graph for all.
- **neolith**: tasks with dependencies, \`claimNextTask\` and \`completeTask\`, one task a call, so many calls in flight; limit, lease, attempt and history
  as always. A call that finds nothing to claim is made again when the answer of another names tasks that it freed, which all callers here,
  being in one process, can hear of. In a second series the same tasks belong to a run, whose counts and waves are kept as well.
- **BullMQ flows**: one flow, added whole before the clock starts, and one worker with so many jobs at once; finished jobs are removed. With Redis writing
  nothing to disk, and with an append-only file and fsync with each write, which is what the others promise. A flow is a tree, so it has no random graph.
- **DBOS steps**: one workflow on its own PostgreSQL schema, each task a step; steps that can run side by side are begun together and awaited with
  \`Promise.allSettled\`, as its documentation asks for. Its workflows of earlier rounds stay, while ours and BullMQ's tables and keys are empty before each. How many are in flight is the library's choice, so it is in the first table only.

Each contestant runs in a process of its own. After each round its own tables or keys are asked whether each task was done, and done once.`,
  async run(setting) {
    const { rounds, say } = setting;
    const shapes = setting.quick
      ? [fanIn(1_000), chain(200)]
      : [fanIn(1_000), fanIn(10_000), chain(1_000), randomDag(10_000)];
    const entrants = await enter(setting);
    const tables: Table[] = [];
    const verdicts: Verdict[] = [];
    try {
      for (const [series, inFlight] of numbersFrom('IN_FLIGHT', setting.quick ? [32] : IN_FLIGHT).entries()) {
        const taking = entrants.filter(({ once }) => !once || series === 0);
        const rows = taking.map(({ name }) => ({ name, samples: [] as number[][] }));
        for (const shape of shapes) {
          say(`${shape.name}, ${inFlight} in flight`);
          const able = taking.filter((entrant) => entrant.canDo(shape));
          const samples = await interleave(able, rounds, async ({ process }) => {
            await process.prepare(shape);
            const { startedAt, endedAt, done } = await process.run(inFlight);
            await process.verify();
            const tasks = shape.prerequisites.length;
            if (done.length !== tasks || new Set(done).size !== tasks)
              throw new Error(`${done.length} tasks of ${tasks} were done`);
            return tasks / ((endedAt - startedAt) / 1_000);
          });
          taking.forEach((entrant, index) => {
            rows[index]?.samples.push(samples[able.indexOf(entrant)] ?? []);
          });
        }
        tables.push({
          title: `${inFlight} in flight`,
          unit: 'tasks/s',
          along: 'graph',
          points: shapes.map(({ name }) => name),
          rows,
          plot: 'bars',
          logarithmic: true,
        });
        verdicts.push(...compare(rows, shapes, inFlight));
      }
    } finally {
      for (const { process } of entrants) await process.close();
    }
    return { tables, verdicts };
  },
};

async function enter({ startPostgres, startRedis }: Setting): Promise<Entrant[]> {
  const server = await startPostgres();
  const anything = (): boolean => true;
  const entrants: Entrant[] = [];
  const add = async (
    entrant: Omit<Entrant, 'process'>,
    settings: Parameters<typeof openGraphContestant>[0],
  ): Promise<void> => {
    entrants.push({ ...entrant, process: await openGraphContestant(settings) });
  };
  await add(
    { name: 'neolith', canDo: anything, once: false },
    { kind: 'neolith', url: await server.createDatabase('plain'), inRun: false },
  );
  await add(
    { name: 'neolith, in a run', canDo: anything, once: false },
    { kind: 'neolith', url: await server.createDatabase('run'), inRun: true },
  );
  for (const persistence of ['none', 'appendfsync always'] as const) {
    const redis = await startRedis(persistence);
    if (redis === null) continue;
    const name = persistence === 'none' ? 'BullMQ flows' : 'BullMQ flows, fsync';
    await add({ name, canDo: ({ isTree }) => isTree, once: false }, { kind: 'bullmq', port: redis.port });
  }
  await add(
    { name: 'DBOS steps', canDo: anything, once: true },
    { kind: 'dbos', url: await server.createDatabase('dbos') },
  );
  return entrants;
}

function compare(rows: Table['rows'], shapes: readonly GraphShape[], inFlight: number): Verdict[] {
  const [ours] = rows;
  return shapes.flatMap((shape, index) =>
    rows.slice(1).flatMap(({ name, samples }) => {
      const theirs = samples[index] ?? [];
      if (theirs.length === 0) return [];
      const bound = !shape.name.startsWith('fan')
        ? null
        : name === 'DBOS steps'
          ? 15
          : name.startsWith('BullMQ')
            ? 2.5
            : null;
      return [
        {
          what: `neolith ÷ ${name}, ${shape.name}, ${inFlight} in flight`,
          value: median(ours?.samples[index] ?? []) / median(theirs),
          aim: bound === null ? null : { at: 'least' as const, bound },
        },
      ];
    }),
  );
}

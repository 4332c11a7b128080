import type { Benchmark, Table, Verdict } from '../harness/benchmark.js';
import { interleave } from '../harness/interleave.js';
import { versionsOf } from '../harness/machine.js';
import { median } from '../harness/statistics.js';
import { measureOrder } from '../orders/measureOrder.js';
import { ORDERERS, type Orderer } from '../orders/orderContestant.js';
import type { OrderMeasured } from '../orders/serveOrder.js';

const EDGES_A_TASK = 5;
const SMALL = 100_000;
const LARGE = 1_000_000;
/** At the million a peer takes minutes: it has one round, after none that warms up; ours has as many as ever. */
const ROUNDS_OF_PEERS = 1;

interface Size {
  tasks: number;
  measured: Map<Orderer, OrderMeasured[]>;
}

export const graphOrder: Benchmark = {
  name: 'graphOrder',
  quick: true,
  title: 'Order, waves and critical path in memory',
  about: `An operation is to order tasks so that each comes after everything it depends on, ${EDGES_A_TASK} dependencies a task, from a list of
\`{ id, dependsOn }\` with ids of 40 letters in no particular order. **Order alone** begins with the library's own graph and ends with the ids in order;
**from ids to the answer** begins with the list, and ours then has given waves and the critical path as well, graphology-dag its generations, and
the others nothing more than the order.

Each measurement has a process of its own, with as much heap as it needs, that has ordered a small list several times before, so that the
code of ordering is compiled. Before the order alone the garbage of building is collected, for each contestant alike, as a full collection in
the middle of an order would be most of what is measured, and the small list is ordered again, as such a collection discards compiled
code; from ids to the answer is measured in one go, with whatever collections and compilations come.
Every order is checked against every dependency, outside of the clock. With ${SMALL.toLocaleString('en-US')} tasks the contestants take turns, round by round;
with ${LARGE.toLocaleString('en-US')} ours has all rounds and each of the others ${ROUNDS_OF_PEERS}, for some of them take minutes.

- **neolith**: \`buildGraph\`, \`sortTopologically\`, \`assignWaves\`, \`findCriticalPath\`.
- **graphology-dag**: a \`DirectedGraph\`, \`topologicalSort\`, \`topologicalGenerations\`.
- **toposort**: its \`array(nodes, edges)\` on a list of pairs, so its order is also most of its building.
- **@dagrejs/graphlib**: \`Graph\`, \`alg.topsort\`.`,
  describeRounds: (rounds) =>
    `${rounds} interleaved rounds with ${SMALL.toLocaleString('en-US')} tasks; with ${LARGE.toLocaleString('en-US')}, one after the other, ${rounds} of ours and ${ROUNDS_OF_PEERS} of each other`,
  async run({ rounds, quick, say }) {
    const small = quick ? 20_000 : SMALL;
    const sizes: Size[] = [{ tasks: small, measured: new Map(ORDERERS.map((name) => [name, []])) }];
    const [first] = sizes as [Size];
    say(`${small} tasks`);
    const samples = await interleave(ORDERERS, rounds, (orderer) =>
      measureOrder({ orderer, tasks: small, edges: small * EDGES_A_TASK }),
    );
    for (const [index, name] of ORDERERS.entries()) first.measured.set(name, samples[index] ?? []);
    if (!quick) {
      const measured = new Map<Orderer, OrderMeasured[]>();
      for (const orderer of ORDERERS) {
        say(`${LARGE} tasks, ${orderer}`);
        const found: OrderMeasured[] = [];
        for (let round = 0; round < (orderer === 'neolith' ? rounds : ROUNDS_OF_PEERS); round += 1) {
          found.push(await measureOrder({ orderer, tasks: LARGE, edges: LARGE * EDGES_A_TASK }));
        }
        measured.set(orderer, found);
      }
      sizes.push({ tasks: LARGE, measured });
    }

    const points = sizes.map(({ tasks }) => tasks.toLocaleString('en-US'));
    const table = (
      title: string,
      unit: string,
      of: (measured: OrderMeasured) => number,
      plot: Table['plot'] = 'none',
    ): Table => ({
      title,
      unit,
      along: 'tasks',
      points,
      rows: ORDERERS.map((name) => ({
        name,
        samples: sizes.map(({ measured }) => (measured.get(name) ?? []).map(of)),
      })),
      plot,
      logarithmic: true,
    });
    const verdicts: Verdict[] = sizes.flatMap(({ tasks, measured }) =>
      ORDERERS.slice(1).flatMap((name) => {
        const ratio = (of: (one: OrderMeasured) => number): number =>
          median((measured.get(name) ?? []).map(of)) / median((measured.get('neolith') ?? []).map(of));
        const size = tasks.toLocaleString('en-US');
        const asked = tasks === LARGE;
        return [
          {
            what: `order alone, ${name} ÷ neolith, ${size} tasks`,
            value: ratio(({ order }) => order),
            aim: asked
              ? { at: 'least' as const, bound: 20 }
              : quick
                ? { at: 'least' as const, bound: 5 }
                : null,
          },
          {
            what: `from ids to the answer, ${name} ÷ neolith, ${size} tasks`,
            value: ratio(answer),
            aim: asked ? { at: 'least' as const, bound: 15 } : null,
          },
        ];
      }),
    );
    return {
      tables: [
        table('Order alone', 'ms', ({ order }) => order, 'bars'),
        table('From ids to the answer', 'ms', answer, 'bars'),
        table('Building the graph', 'ms', ({ build }) => build),
        table('Waves and critical path (neolith), generations (graphology-dag)', 'ms', ({ more }) => more),
        table(
          'Memory of the process at the end, the list of tasks included',
          'MB',
          ({ megabytes }) => megabytes,
        ),
      ],
      verdicts,
      notes: [
        `${versionsOf(ORDERERS.slice(1))}. The list alone takes ${sizes
          .map(
            ({ measured, tasks }) =>
              `${median((measured.get('neolith') ?? []).map(({ listMegabytes }) => listMegabytes)).toLocaleString('en-US')} MB of a process with ${tasks.toLocaleString('en-US')} tasks`,
          )
          .join(', ')}.`,
        `Building ours is one look-up of a string for each task and each dependency, in a flat table of hashes. The list is in no particular order, so
nearly every look-up misses the processor's caches several times: that is most of the time from ids to the answer. The order itself, the waves
and the critical path run along flat arrays of numbers. toposort keeps its look-ups for the order, so that its building is short.`,
      ],
    };
  },
};

function answer(measured: OrderMeasured): number {
  return measured.answer;
}

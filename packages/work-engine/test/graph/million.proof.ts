import { expect, test } from 'vitest';
import {
  assignWaves,
  type BuiltGraph,
  buildGraph,
  buildGraphFromPairs,
  diagnoseGraph,
  findCriticalPath,
  findCycle,
  findFreed,
  findReady,
  findRedundantEdges,
  findStuck,
  findTransitiveDependents,
  findTransitivePrerequisites,
  findWeakComponents,
  neighboursOf,
  sortTopologically,
  type TaskGraph,
} from '../../src/domain/graph/index.js';
import { makeRandom } from './support/random.js';

const TASKS = 1_000_000;
const EDGES = 5_000_000;

const random = makeRandom(20261120);
const ids = Array.from({ length: TASKS }, (_, node) => `task-${node}`);

/** The node at a place of a random order: plans aren't given in the order in which they can be done. */
const nodeAt = shuffle(Int32Array.from({ length: TASKS }, (_, place) => place));
const placeOf = new Int32Array(TASKS);
nodeAt.forEach((node, place) => {
  placeOf[node] = place;
});

const shapes = {
  'anything may depend on anything before it': (dependent: number) => random(dependent),
  'a task depends on near ones': (dependent: number) => dependent - 1 - random(Math.min(dependent, 1_000)),
};

for (const [shape, choosePrerequisite] of Object.entries(shapes)) {
  test(`1,000,000 tasks and 5,000,000 dependencies, ${shape}`, () => {
    const pairs = choosePairs(choosePrerequisite);
    const measured: Record<string, { seconds: number; 'memory MB': number }> = {};
    const measure = <Result>(what: string, call: () => Result): Result => {
      const begun = performance.now();
      const result = call();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      measured[what] = {
        seconds: Math.round(performance.now() - begun) / 1_000,
        'memory MB': Math.round((heapUsed + arrayBuffers) / 1_048_576),
      };
      return result;
    };

    const built = measure('build from pairs', () => buildGraphFromPairs(ids, pairs));
    const { graph } = built;
    expect(graph).toMatchObject({ size: TASKS, edgeCount: EDGES });
    const sorted = measure('order', () => sortTopologically(graph));
    const waves = measure('waves', () => assignWaves(graph));
    const durations = Float64Array.from({ length: TASKS }, () => 1 + random(1_000));
    const critical = measure('critical path and slack', () => findCriticalPath(graph, durations));
    const done = (node: number) => (placeOf[node] as number) < TASKS / 2;
    const ready = measure('ready set', () => findReady(graph, done));
    const first = nodeAt[0] as number;
    const freed = measure('freed by one', () => findFreed(graph, () => false, first));
    const below = measure('transitive dependents', () => findTransitiveDependents(graph, first));
    const last = nodeAt[TASKS - 1] as number;
    const above = measure('transitive prerequisites', () => findTransitivePrerequisites(graph, last));
    const parts = measure('parts', () => findWeakComponents(graph));
    const stuck = measure('stuck tasks, one has failed', () =>
      findStuck(built, (node) => (node === first ? 'FAILED' : 'TODO')),
    );
    const redundant = measure('redundant edges', () => findRedundantEdges(graph));
    const diagnosis = measure('whole diagnosis', () => diagnoseGraph(built));
    measure('no cycle', () => expect(findCycle(graph)).toBeNull());

    expect(sorted.kind).toBe('sorted');
    if (sorted.kind === 'sorted') expectTopological(graph, sorted.order);
    expectLongestWays(graph, waves.waveOf, (longest) => longest + 1, 0);
    expectLongestWays(
      graph,
      critical.earliestFinish,
      (longest, node) => longest + (durations[node] as number),
      0,
    );
    expect(sumOf(critical.path, durations)).toBe(critical.totalSeconds);
    expectChain(graph, critical.path);
    expect(countWhere(graph, (node) => !done(node) && prerequisitesOf(graph, node).every(done))).toBe(
      ready.length,
    );
    for (const node of freed) expect([...prerequisitesOf(graph, node)]).toEqual([first]);
    expect(countReached(graph, first, 'dependents')).toBe(below.length);
    expect(countReached(graph, last, 'prerequisites')).toBe(above.length);
    expect(stuck.nodes.toSorted()).toEqual(below.toSorted());
    expect(parts.sizes.reduce((sum, size) => sum + size, 0)).toBe(TASKS);
    expect(redundant.dependents.length).toBe(diagnosis.redundantEdges.count);
    expectOtherWay(graph, redundant);
    expect(diagnosis).toMatchObject({ cycles: { count: 0 }, stuckTasks: { count: 0 } });
    console.log(
      `${shape}: ${waves.count} waves, ${parts.count} parts, ${redundant.dependents.length} redundant edges found, ` +
        `${redundant.uncheckedTasks} tasks not checked to the end`,
    );
    console.table(measured);
  });
}

test('1,000,000 tasks that name 5,000,000 dependencies by id, one of them closing a cycle', () => {
  const pairs = choosePairs(shapes['a task depends on near ones']);
  const dependsOn: string[][] = ids.map(() => []);
  // Ids as a file has them: equal text, not the same string object.
  pairs.dependents.forEach((dependent, edge) => {
    dependsOn[dependent]?.push(`task-${pairs.prerequisites[edge]}`);
  });
  const [first, last] = [nodeAt[0] as number, nodeAt[TASKS - 1] as number];
  dependsOn[first]?.push(`task-${last}`, 'nowhere', `task-${first}`);
  const tasks = ids.map((id, node) => ({ id, dependsOn: dependsOn[node] as string[] }));

  const begun = performance.now();
  const built: BuiltGraph = buildGraph(tasks);
  const seconds = (performance.now() - begun) / 1_000;
  expect(built.graph).toMatchObject({ size: TASKS, edgeCount: EDGES + 1 });
  expect(built.danglingEdges).toEqual([{ dependent: ids[first], prerequisite: 'nowhere' }]);
  expect(built.selfDependencies).toEqual([ids[first]]);
  expect(built.graph.prerequisites.targets.subarray(0, 100)).toEqual(
    buildGraphFromPairs(ids, pairs).graph.prerequisites.targets.subarray(0, 100),
  );

  const searched = performance.now();
  const cycle = findCycle(built.graph) as string[];
  console.log(
    `from ids: ${seconds.toFixed(2)} s; a cycle of ${cycle.length - 1} tasks found in ` +
      `${((performance.now() - searched) / 1_000).toFixed(2)} s`,
  );
  expect(cycle.at(-1)).toBe(cycle[0]);
  const nodes = cycle.map((id) => built.graph.indexOf(id));
  expectChain(built.graph, Int32Array.from(nodes.toReversed()));
  expect(cycle).toContain(ids[first]);
});

/** Distinct edges, five for each task; what the first five tasks lack, fifteen others have more. */
function choosePairs(choosePrerequisite: (place: number) => number) {
  const dependents = new Int32Array(EDGES);
  const prerequisites = new Int32Array(EDGES);
  let edges = 0;
  for (let place = 1; place < TASKS; place += 1) {
    const chosen = new Set<number>();
    const wanted = Math.min(place, place >= 6 && place <= 20 ? 6 : 5);
    while (chosen.size < wanted) chosen.add(choosePrerequisite(place));
    for (const prerequisite of chosen) {
      dependents[edges] = nodeAt[place] as number;
      prerequisites[edges] = nodeAt[prerequisite] as number;
      edges += 1;
    }
  }
  expect(edges).toBe(EDGES);
  return { dependents, prerequisites };
}

function shuffle(numbers: Int32Array): Int32Array {
  for (let left = numbers.length; left > 1; left -= 1) {
    const other = random(left);
    const number = numbers[left - 1] as number;
    numbers[left - 1] = numbers[other] as number;
    numbers[other] = number;
  }
  return numbers;
}

function prerequisitesOf(graph: TaskGraph, node: number): Int32Array {
  return neighboursOf(graph.prerequisites, node);
}

function countWhere(graph: TaskGraph, holds: (node: number) => boolean): number {
  let count = 0;
  for (let node = 0; node < graph.size; node += 1) if (holds(node)) count += 1;
  return count;
}

function expectTopological(graph: TaskGraph, order: Int32Array): void {
  const position = new Int32Array(graph.size).fill(-1);
  order.forEach((node, at) => {
    position[node] = at;
  });
  expect(countWhere(graph, (node) => position[node] === -1)).toBe(0);
  const late = (node: number) =>
    prerequisitesOf(graph, node).some((before) => (position[before] as number) > (position[node] as number));
  expect(countWhere(graph, late)).toBe(0);
}

/** That each value is what follows from the greatest of its prerequisites': the longest way, edge by edge. */
function expectLongestWays(
  graph: TaskGraph,
  values: Int32Array | Float64Array,
  extend: (longest: number, node: number) => number,
  atRoot: number,
): void {
  const wrong = (node: number) => {
    const before = prerequisitesOf(graph, node);
    let longest = -1;
    for (const each of before) longest = Math.max(longest, values[each] as number);
    const expected =
      before.length > 0 ? extend(longest, node) : values instanceof Int32Array ? atRoot : extend(0, node);
    return values[node] !== expected;
  };
  expect(countWhere(graph, wrong)).toBe(0);
}

/** That each node of a path depends on the one before. */
function expectChain(graph: TaskGraph, path: Int32Array): void {
  for (let step = 1; step < path.length; step += 1) {
    expect(prerequisitesOf(graph, path[step] as number)).toContain(path[step - 1]);
  }
}

function sumOf(path: Int32Array, durations: Float64Array): number {
  return path.reduce((sum, node) => sum + (durations[node] as number), 0);
}

function countReached(graph: TaskGraph, start: number, direction: 'dependents' | 'prerequisites'): number {
  const reached = new Set([start]);
  for (const node of reached) for (const next of neighboursOf(graph[direction], node)) reached.add(next);
  return reached.size - 1;
}

/** Of some redundant edges, that there is another way. */
function expectOtherWay(
  graph: TaskGraph,
  edges: { dependents: Int32Array; prerequisites: Int32Array },
): void {
  for (let edge = 0; edge < edges.dependents.length; edge += Math.ceil(edges.dependents.length / 20)) {
    const prerequisite = edges.prerequisites[edge] as number;
    const direct = prerequisitesOf(graph, edges.dependents[edge] as number);
    const reached = new Set(direct.filter((node) => node !== prerequisite));
    for (const node of reached) for (const next of prerequisitesOf(graph, node)) reached.add(next);
    expect(reached).toContain(prerequisite);
  }
}

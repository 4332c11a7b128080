import { answerParent } from '../harness/answerParent.js';
import { type OrderContestant, type Orderer, openOrderer } from './orderContestant.js';
import { type ListedTask, listTasks } from './taskLists.js';

export interface OrderRequest {
  readonly ask: 'measure';
  readonly orderer: Orderer;
  readonly tasks: number;
  readonly edges: number;
}

/** Milliseconds, and megabytes of the whole process at the end. */
export interface OrderMeasured {
  readonly build: number;
  /** By itself, on a graph that is there: the garbage of building it was collected before. */
  readonly order: number;
  readonly more: number;
  /** From the list to the end in one go. */
  readonly answer: number;
  readonly listMegabytes: number;
  readonly megabytes: number;
}

const WARM_TASKS = 5_000;
const WARM_ORDERS = 5;

answerParent<OrderRequest>(async ({ orderer, tasks, edges }) => {
  const contestant = await openOrderer(orderer);
  const small = contestant.build(listTasks(WARM_TASKS, WARM_TASKS * 5));
  const warm = (): void => {
    for (let round = 0; round < WARM_ORDERS; round += 1) {
      contestant.order(small);
      contestant.more(small);
    }
  };
  warm();
  const list = listTasks(tasks, edges);
  // Garbage of making the list is nobody's here.
  globalThis.gc?.();
  const listMegabytes = megabytes();
  const parts = measure(contestant, list, warm);
  globalThis.gc?.();
  const begun = performance.now();
  const graph = contestant.build(list);
  contestant.order(graph);
  contestant.more(graph);
  return { ...parts, answer: performance.now() - begun, listMegabytes, megabytes: megabytes() };
});

function measure(
  contestant: OrderContestant,
  list: readonly ListedTask[],
  warm: () => void,
): Pick<OrderMeasured, 'build' | 'order' | 'more'> {
  const begun = performance.now();
  const graph = contestant.build(list);
  const built = performance.now();
  globalThis.gc?.();
  // That collection discards compiled code whose objects, made by each order and dropped, live no more.
  warm();
  const ready = performance.now();
  const order = contestant.order(graph);
  const ordered = performance.now();
  contestant.more(graph);
  const ended = performance.now();
  checkOrder(list, order);
  return { build: built - begun, order: ordered - ready, more: ended - ordered };
}

/** Every task once, each after all of its prerequisites. */
function checkOrder(list: readonly ListedTask[], order: Iterable<string>): void {
  const placeOf = new Map<string, number>();
  for (const id of order) placeOf.set(id, placeOf.size);
  if (placeOf.size !== list.length) throw new Error(`${placeOf.size} of ${list.length} tasks were ordered`);
  for (const { id, dependsOn } of list) {
    const place = placeOf.get(id);
    for (const prerequisite of dependsOn) {
      const before = placeOf.get(prerequisite);
      if (place === undefined || before === undefined || before > place)
        throw new Error(`${id} comes before ${prerequisite}, which it depends on`);
    }
  }
}

function megabytes(): number {
  return Math.round(process.memoryUsage.rss() / 2 ** 20);
}

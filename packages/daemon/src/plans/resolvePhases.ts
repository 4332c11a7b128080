import { at, createCsrGraph } from './csrGraph.js';
import { describePlaces } from './describePath.js';
import { findCycles } from './findCycles.js';
import type { DraftPhase, DraftPlan } from './planReader.js';
import type { ProblemLog } from './problemLog.js';
import type { ResolvedTasks } from './resolveReferences.js';
import { createSuggester } from './suggestId.js';

/** The phases of a draft as numbers, with everything dangling left out. */
export interface ResolvedPhases {
  readonly phases: readonly DraftPhase[];
  /** For each phase the one it is part of, or -1. */
  readonly parents: Int32Array;
  /** For each phase those it waits for itself, each once. */
  readonly after: readonly (readonly number[])[];
  /** For each task its phase, its own or its parent's, or -1. */
  readonly phaseOf: Int32Array;
  /** For each task the phases it waits for: its own, its parent's, its phase's and those of the phases around. */
  readonly waits: readonly (readonly number[])[];
}

/**
 * Turns the ids of phases into numbers and reports each that leads nowhere. Returns null when phases wait for one
 * another in a circle, which is reported with its path. `parents` are those of the tasks, without circles.
 */
export function resolvePhases(
  draft: DraftPlan,
  { tasks }: ResolvedTasks,
  parents: Int32Array,
  log: ProblemLog,
): ResolvedPhases | null {
  const phases = keepUniquePhases(draft.phases, log);
  const indexOf = new Map(phases.map((phase, index) => [phase.id, index]));
  const suggest = createSuggester(() => phases.map(({ id }) => id));
  const find = (id: string, at: () => DraftPhase['at'], subject: string): number => {
    const found = indexOf.get(id);
    if (found !== undefined) return found;
    log.add(
      'PHASE_UNKNOWN',
      at(),
      `${subject} the phase ${id}, which is not in the plan${suggest(id) || '; add that phase or remove this.'}`,
    );
    return -1;
  };

  const phaseParents = new Int32Array(phases.length).fill(-1);
  const after = phases.map((phase, index) => {
    const { parent } = phase;
    if (parent !== null) {
      phaseParents[index] = find(parent, () => phase.locate(['parent']), `Phase ${phase.id} is part of`);
    }
    const found = phase.after.map((id, position) =>
      find(id, () => phase.locate(['after', position]), `Phase ${phase.id} comes after`),
    );
    return [...new Set(found)].filter((other) => other !== -1);
  });
  if (reportPhaseCycles(phases, phaseParents, after, log)) return null;

  const ownPhase = tasks.map((task) =>
    task.phase === null ? -1 : find(task.phase, () => task.locate(['phase']), `${task.sourceId} belongs to`),
  );
  const ownWaits = tasks.map((task) =>
    task.afterPhases
      .map((id) => find(id, () => task.locate(['afterPhases']), `${task.sourceId} comes after`))
      .filter((other) => other !== -1),
  );
  return {
    phases,
    parents: phaseParents,
    after,
    ...inheritPhases(parents, ownPhase, ownWaits, phaseParents, after),
  };
}

function keepUniquePhases(phases: readonly DraftPhase[], log: ProblemLog): DraftPhase[] {
  const kept = new Map<string, DraftPhase>();
  for (const phase of phases) {
    const other = kept.get(phase.id);
    if (other === undefined) kept.set(phase.id, phase);
    else {
      log.add(
        'ID_DUPLICATE',
        phase.locate(['id']),
        `Two phases have the id ${phase.id}, in lines ${other.at.line} and ${phase.at.line}; the first counts. Give each its own id.`,
      );
    }
  }
  return [...kept.values()];
}

/**
 * A phase has a start and an end: it starts after the phase around it starts and after what it waits for has ended,
 * and ends before the phase around it ends. Phases wait for one another when these can't be put in an order.
 */
function reportPhaseCycles(
  phases: readonly DraftPhase[],
  parents: Int32Array,
  after: readonly (readonly number[])[],
  log: ProblemLog,
): boolean {
  const start = (phase: number) => 2 * phase;
  const end = (phase: number) => 2 * phase + 1;
  const waits: number[][] = phases.flatMap((_, phase) => [(after[phase] ?? []).map(end), [start(phase)]]);
  for (const [phase, parent] of parents.entries()) {
    if (parent === -1) continue;
    // A circle of one: the phase's end leads back to its start.
    if (parent === phase) waits[start(phase)]?.push(end(phase));
    waits[start(phase)]?.push(start(parent));
    waits[end(parent)]?.push(end(phase));
  }
  const cycles = findCycles(createCsrGraph(waits));
  const reported = new Set<string>();
  for (const cycle of cycles) {
    const path = cycle.map((node) => node >> 1).filter((phase, step, all) => phase !== all[step - 1]);
    if (path.length > 1 && path[0] === path.at(-1)) path.pop();
    // Phases that lie in one another form two circles, one of their starts and one of their ends.
    const members = path.toSorted((a, b) => a - b).join();
    if (reported.has(members)) continue;
    reported.add(members);
    const first = phases[path[0] ?? 0];
    if (first === undefined) continue;
    const names = path.map((phase) => ({
      name: phases[phase]?.name ?? '',
      at: phases[phase]?.at ?? first.at,
    }));
    log.add(
      'CYCLE',
      first.locate([first.after.length > 0 ? 'after' : 'parent']),
      `These phases wait for one another, or lie in one another: ${describePlaces(names)}; remove one of these links.`,
    );
  }
  return cycles.length > 0;
}

function inheritPhases(
  taskParents: Int32Array,
  ownPhase: readonly number[],
  ownWaits: readonly (readonly number[])[],
  phaseParents: Int32Array,
  after: readonly (readonly number[])[],
): Pick<ResolvedPhases, 'phaseOf' | 'waits'> {
  const none: readonly number[] = [];
  const waitsOfPhase = inParentOrder(phaseParents).reduce((known, phase) => {
    known[phase] = unite(known[at(phaseParents, phase)] ?? none, after[phase] ?? none);
    return known;
  }, new Array<readonly number[]>(phaseParents.length));
  const phaseOf = Int32Array.from(ownPhase);
  const waits = new Array<readonly number[]>(taskParents.length).fill(none);
  for (const task of inParentOrder(taskParents)) {
    const parent = at(taskParents, task);
    if (at(phaseOf, task) === -1 && parent !== -1) phaseOf[task] = at(phaseOf, parent);
    const fromPhase = waitsOfPhase[at(phaseOf, task)] ?? none;
    waits[task] = unite(unite(waits[parent] ?? none, fromPhase), ownWaits[task] ?? none);
  }
  return { phaseOf, waits };
}

/** Lists are shared where one holds the other: most tasks of a phase wait for the same. */
function unite(a: readonly number[], b: readonly number[]): readonly number[] {
  if (b.length === 0 || a === b) return a;
  if (a.length === 0) return b;
  const known = new Set(a);
  const added = b.filter((item) => !known.has(item));
  return added.length === 0 ? a : [...a, ...added];
}

/** All nodes, each after its parent. The parents hold no circle. */
function inParentOrder(parents: Int32Array): number[] {
  const order: number[] = [];
  const isListed = new Uint8Array(parents.length);
  for (let start = 0; start < parents.length; start += 1) {
    const chain: number[] = [];
    for (let node = start; node !== -1 && isListed[node] === 0; node = at(parents, node)) {
      isListed[node] = 1;
      chain.push(node);
    }
    for (let node = chain.pop(); node !== undefined; node = chain.pop()) order.push(node);
  }
  return order;
}

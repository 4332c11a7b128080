import { planLimits } from '@neolith/contracts';
import { makeSlug } from '../../makeSlug.js';
import { mixSeed } from '../../mulberry32.js';
import type { ProblemLog } from '../../problemLog.js';
import { showValue } from '../../showValue.js';
import type { MarkdownPhase, MarkdownTask } from './markdownTask.js';
import type { NamedPhase, NamedTask } from './resolveNames.js';

const slugCharsMax = 80;

/**
 * Gives each task its id: the written one, or one made of its heading and its title (`set-up/install-node`), of a
 * subtask of its task's id and its title. Made ids stay the same as long as heading and title do, wherever the
 * task is moved and whatever else is said of it.
 */
export function nameTasks(tasks: readonly MarkdownTask[], log: ProblemLog): NamedTask[] {
  const taken = new Set(tasks.flatMap(({ givenId }) => (givenId === null ? [] : [fitGivenId(givenId)])));
  const idOf = new Map<MarkdownTask, string>();
  const counts = new Map<string, number>();
  return tasks.map((task) => {
    const id = task.givenId === null ? deriveId(task) : fitGivenId(task.givenId);
    idOf.set(task, id);
    return { id, task };
  });

  function deriveId(task: MarkdownTask): string {
    const around = task.parent === null ? makeName(task.phase?.name ?? '') : (idOf.get(task.parent) ?? '');
    const name = makeName(task.title) || `task-${hash(task.title)}`;
    const whole = around === '' ? name : `${around}/${name}`;
    const base = whole.length <= planLimits.idCharsMax - 10 ? whole : `${name}-${hash(whole)}`;
    if (!taken.has(base)) {
      taken.add(base);
      return base;
    }
    let count = (counts.get(base) ?? 1) + 1;
    while (taken.has(`${base}-${count}`)) count += 1;
    const id = `${base}-${count}`;
    taken.add(id);
    counts.set(base, count);
    log.add(
      'ID_COUNTED',
      task.at,
      `Another task with the title ${showValue(task.title)} stands in the same place; this one is called ${id}, by its turn. Give both an id to tell them apart for good.`,
    );
    return id;
  }
}

/** Gives each phase its id: the written one, or one made of its name. */
export function namePhases(phases: readonly MarkdownPhase[]): NamedPhase[] {
  const taken = new Set(phases.flatMap(({ givenId }) => (givenId === null ? [] : [fitGivenId(givenId)])));
  const counts = new Map<string, number>();
  return phases.map((phase) => {
    if (phase.givenId !== null) return { id: fitGivenId(phase.givenId), phase };
    const base = makeName(phase.name) || `phase-${hash(phase.name)}`;
    let id = base;
    let count = counts.get(base) ?? 1;
    while (taken.has(id)) {
      count += 1;
      id = `${base}-${count}`;
    }
    counts.set(base, count);
    taken.add(id);
    return { id, phase };
  });
}

function makeName(text: string): string {
  const slug = makeSlug(text);
  return slug.length <= slugCharsMax ? slug : `${cut(slug, slugCharsMax - 8)}-${hash(slug)}`;
}

/** Written ids are kept as they are, but for what no id may hold. */
function fitGivenId(id: string): string {
  const clean = id.replace(/\p{Cc}/gu, ' ').trim();
  return clean.length <= planLimits.idCharsMax
    ? clean
    : `${cut(clean, planLimits.idCharsMax - 8)}-${hash(clean)}`;
}

function cut(text: string, length: number): string {
  return text.slice(0, length).replace(/[\uD800-\uDBFF]$/, '');
}

function hash(text: string): string {
  return (mixSeed(0, text) >>> 0).toString(36);
}

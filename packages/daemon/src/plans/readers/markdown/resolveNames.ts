import { makeSlug } from '../../makeSlug.js';
import type { ProblemLog } from '../../problemLog.js';
import { showValue } from '../../showValue.js';
import { createSuggester } from '../../suggestId.js';
import type { MarkdownPhase, MarkdownTask } from './markdownTask.js';
import type { Attribute } from './readAttributes.js';

export interface NamedTask {
  readonly id: string;
  readonly task: MarkdownTask;
}

export interface NamedPhase {
  readonly id: string;
  readonly phase: MarkdownPhase;
}

/** What the dependencies of a task or a phase lead to. */
export interface ResolvedNames {
  readonly tasks: { readonly id: string; readonly at: Attribute['at'] }[];
  readonly phases: { readonly id: string; readonly at: Attribute['at'] }[];
}

type Found = { readonly task: string } | { readonly phase: string } | 'ambiguous' | null;

/** Where a name is looked for first. */
export interface NameContext {
  readonly subject: string;
  readonly phase: MarkdownPhase | null;
  readonly parent: MarkdownTask | null;
  readonly previous: MarkdownTask | null;
  /** Phases wait for phases first, tasks for tasks. */
  readonly phasesFirst: boolean;
}

/** Makes a function that finds what `depends on:` names: tasks by id, number or title, and phases by id or name. */
export function createNameResolver(
  tasks: readonly NamedTask[],
  phases: readonly NamedPhase[],
  log: ProblemLog,
): (after: readonly Attribute[], context: NameContext) => ResolvedNames {
  const byId = new Map(tasks.map(({ id }) => [id, id]));
  const idOf = new Map(tasks.map(({ id, task }) => [task, id]));
  const byIdSlug = groupBy(tasks, ({ id }) => [makeSlug(id)]);
  const byTitle = groupBy(tasks, ({ task }) => [makeSlug(task.title)]);
  const byNumber = groupBy(tasks, ({ task }) => (task.number === null ? [] : [String(task.number)]));
  const byPhase = groupBy(phases, ({ id, phase }) => [
    ...new Set([
      makeSlug(id),
      makeSlug(phase.name),
      makeSlug(phase.name.replace(/\s*(?::|\s[–—-]\s).*$/su, '')),
    ]),
  ]);
  const suggest = createSuggester(() => [
    ...tasks.map(({ id }) => id),
    ...tasks.map(({ task }) => task.title),
    ...phases.map(({ phase }) => phase.name),
  ]);

  return (after, context) => {
    const found: ResolvedNames = { tasks: [], phases: [] };
    for (const attribute of after) resolveList(attribute, context, found);
    return found;
  };

  function resolveList(attribute: Attribute, context: NameContext, found: ResolvedNames): void {
    const { value } = attribute;
    if (/^(?:[–—-]*|none|nothing|n\/a|no)$/i.test(value.trim())) return;
    const whole = find(value, context);
    if (whole !== null && whole !== 'ambiguous') {
      add(whole, attribute.at, found);
      return;
    }
    for (const { text, offset } of splitNames(value)) {
      const at = attribute.place(offset);
      const one = find(text, context) ?? find(text.replace(/\s*[([].*$/s, ''), context);
      if (one !== null && one !== 'ambiguous') {
        add(one, at, found);
        continue;
      }
      const words = text.split(/\s+/).map((word) => find(word, context));
      if (one === null && words.length > 1 && words.every((word) => word !== null && word !== 'ambiguous')) {
        for (const word of words) add(word, at, found);
        continue;
      }
      if (one === 'ambiguous') {
        log.add(
          'DEPENDENCY_AMBIGUOUS',
          at,
          `${context.subject} depends on ${showValue(text)}, which names several tasks or phases; give the one you mean an id and name that.`,
        );
      } else {
        log.add(
          'DEPENDENCY_UNKNOWN',
          at,
          `${context.subject} depends on ${showValue(text)}, which is neither the id nor the title of a task, nor a phase of this plan${suggest(text) || '; add that task or remove the dependency.'}`,
        );
      }
    }
  }

  function add(one: Found, at: Attribute['at'], found: ResolvedNames): void {
    if (one === null || one === 'ambiguous') return;
    if ('task' in one) found.tasks.push({ id: one.task, at });
    else found.phases.push({ id: one.phase, at });
  }

  function find(written: string, context: NameContext): Found {
    const text = written.replace(/^[\s"'“‘`*_#[]+|[\s"'”’`*_\].]+$/g, '');
    if (text === '') return null;
    if (context.previous !== null && /^(?:previous|above|previous task|the task above)$/i.test(text)) {
      const id = idOf.get(context.previous);
      if (id !== undefined) return { task: id };
    }
    const searches = [findTask, findPhase];
    if (context.phasesFirst) searches.reverse();
    for (const search of searches) {
      const found = search(text, context);
      if (found !== null) return found;
    }
    return null;
  }

  function findTask(text: string, context: NameContext): Found {
    const exact = byId.get(text);
    if (exact !== undefined) return { task: exact };
    const slug = makeSlug(text);
    return (
      choose(byIdSlug.get(slug), context) ??
      (/^\d+$/.test(text) ? choose(byNumber.get(text), context) : null) ??
      choose(byTitle.get(slug), context)
    );
  }

  function findPhase(text: string): Found {
    const found = byPhase.get(makeSlug(text)) ?? [];
    const [only] = found;
    if (only === undefined) return null;
    return found.length === 1 ? { phase: only.id } : 'ambiguous';
  }

  /** The only one; or the only one among the siblings; or the only one of the phase. */
  function choose(found: readonly NamedTask[] | undefined, { phase, parent }: NameContext): Found {
    if (found === undefined || found.length === 0) return null;
    const near = [
      found,
      found.filter(({ task }) => task.phase === phase && task.parent === parent),
      found.filter(({ task }) => task.phase === phase),
    ];
    const [only] = near.find((list) => list.length === 1) ?? [];
    return only === undefined ? 'ambiguous' : { task: only.id };
  }
}

function groupBy<T>(items: readonly T[], keysOf: (item: T) => readonly string[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    for (const key of keysOf(item)) {
      if (key === '') continue;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [item]);
      else group.push(item);
    }
  }
  return groups;
}

/** The parts between commas, semicolons, `&` and `and`, with where they start. */
function splitNames(value: string): { text: string; offset: number }[] {
  const parts: { text: string; offset: number }[] = [];
  let start = 0;
  for (const match of [...value.matchAll(/\s*(?:[,;&+]|\s(?:and|und)\s)\s*/giu), null]) {
    const raw = value.slice(start, match?.index ?? value.length);
    const text = raw.trim();
    if (text !== '') parts.push({ text, offset: start + raw.length - raw.trimStart().length });
    start = match === null ? value.length : match.index + match[0].length;
  }
  return parts;
}

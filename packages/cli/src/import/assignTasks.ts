import type { Orchestrator } from '@neolith/contracts';
import type { NormalisedTask } from '@neolith/daemon';
import { findOrchestrator } from '../connection/findOrchestrators.js';
import { CommandError } from '../output/commandError.js';

export interface AssignmentRules {
  /** `tag=name`, in the order given. */
  readonly byTag: readonly { readonly tag: string; readonly name: string }[];
  /** Who gets the rest; null: what the plan says. */
  readonly everybodyElse: string | null;
}

/** Reads `--assign` values. Throws CommandError `usage` for one that is no `tag=name`. */
export function readAssignments(values: readonly string[]): AssignmentRules['byTag'] {
  return values.map((value) => {
    const at = value.indexOf('=');
    const tag = value.slice(0, Math.max(0, at)).trim();
    const name = value.slice(at + 1).trim();
    if (at > 0 && tag !== '' && name !== '') return { tag, name };
    throw new CommandError(
      'usage',
      'ASSIGNMENT_INVALID',
      `--assign takes a tag and an orchestrator, such as backend=Ada, not ${JSON.stringify(value)}.`,
    );
  });
}

/**
 * Whose each task is, by source id; null where nobody is named. The first of the rules that has one of the task's
 * tags wins, then the one for everybody else, then what the plan says.
 *
 * @throws NeolithError `ORCHESTRATOR_NOT_FOUND` for a name that is used and not known
 */
export function assignTasks(
  tasks: readonly Pick<NormalisedTask, 'sourceId' | 'tags' | 'orchestrator'>[],
  rules: AssignmentRules,
  known: readonly Orchestrator[],
): Map<string, string | null> {
  const byTag = rules.byTag.map(({ tag, name }) => ({ tag, id: findOrchestrator(known, name).id }));
  const rest = rules.everybodyElse === null ? null : findOrchestrator(known, rules.everybodyElse).id;
  return new Map(
    tasks.map((task) => {
      const rule = byTag.find(({ tag }) => task.tags.includes(tag));
      const own =
        rest === null && task.orchestrator !== null && rule === undefined ? task.orchestrator : null;
      return [task.sourceId, rule?.id ?? rest ?? (own === null ? null : findOrchestrator(known, own).id)];
    }),
  );
}

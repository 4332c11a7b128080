import type { Orchestrator } from '@neolith/contracts';
import type { NormalisedTask } from '../plans/normalisedPlan.js';
import { findOrchestrator } from './findOrchestrators.js';

export interface AssignmentRules {
  /** `tag=name`, in the order given. */
  readonly byTag: readonly { readonly tag: string; readonly name: string }[];
  /** Who gets the rest; null: what the plan says. */
  readonly everybodyElse: string | null;
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

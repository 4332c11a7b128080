import { makePlanDocument, type WrittenPlan } from '@neolith/contracts';
import { stringify } from 'yaml';
import type { NormalisedPlan } from './normalisedPlan.js';

/** A plan that was read, as `formatPlan`, `formatPlanYaml`, `drawDot` and `drawMermaid` take it. Pure. */
export function toWrittenPlan(plan: NormalisedPlan): WrittenPlan {
  return {
    name: plan.name,
    description: plan.description,
    run: plan.run,
    phases: plan.phases,
    tasks: plan.tasks.map(({ sourceId, parentSourceId, ...task }) => ({
      ...task,
      id: sourceId,
      parent: parentSourceId,
    })),
  };
}

/**
 * A plan in our own format as YAML; `formatPlan` gives the same as JSON. Reading it gives the same tasks, with all
 * that was inherited, or followed from parents and phases, written out. YAML of more than 5 MB is not read again:
 * use JSON for such plans. Pure.
 */
export function formatPlanYaml(plan: WrittenPlan): string {
  return stringify(makePlanDocument(plan), { lineWidth: 0, aliasDuplicateObjects: false });
}

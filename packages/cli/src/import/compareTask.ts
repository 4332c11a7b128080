import type { CallInput, endpoints, Task } from '@neolith/contracts';
import type { NormalisedTask } from '@neolith/daemon';
import { plannedFields } from './toNewTask.js';

export type TaskPatchBody = NonNullable<CallInput<(typeof endpoints)['updateTask']>['body']>;

/**
 * What the plan says otherwise than the task that was imported from it; null where it says the same. What the plan
 * leaves open stays as it is, and so do metadata that agents have added. Pure.
 * @param orchestratorId null: the import names nobody.
 */
export function compareTask(
  existing: Task,
  planned: NormalisedTask,
  orchestratorId: string | null,
): TaskPatchBody | null {
  const { metadata, ...fields } = plannedFields(planned);
  const patch: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(fields)) {
    const now = existing[field as keyof Task];
    if (!isSame(now instanceof Date ? now.toISOString() : now, value)) patch[field] = value;
  }
  const changed = Object.entries(metadata).filter(([key, value]) => !isSame(existing.metadata[key], value));
  if (changed.length > 0) patch.metadata = { ...existing.metadata, ...Object.fromEntries(changed) };
  if (orchestratorId !== null && existing.orchestratorId !== orchestratorId)
    patch.orchestratorId = orchestratorId;
  return Object.keys(patch).length === 0 ? null : (patch as TaskPatchBody);
}

/** By content, whatever the order of keys: the database keeps its own. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [Object.entries(a), b as Record<string, unknown>];
  return (
    left.length === Object.keys(right).length &&
    left.every(([key, value]) => Object.hasOwn(right, key) && isSame(value, right[key]))
  );
}

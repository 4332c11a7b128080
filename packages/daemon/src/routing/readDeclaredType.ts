import { DECLARED_TYPES, type TaskType } from './taskType.js';

const TYPE_FIELDS = ['type', 'issue_type', 'taskType', 'kind', 'category'];

/**
 * The type that the plan itself gives a task, in its metadata or, one level down, in what was kept of another
 * system's fields (`{ beads: { issue_type: 'bug' } }`). Null when it gives none that we know.
 */
export function readDeclaredType(
  metadata: Readonly<Record<string, unknown>> | undefined,
): { readonly type: TaskType; readonly word: string } | null {
  if (metadata === undefined) return null;
  const places = [metadata, ...Object.values(metadata).filter(isRecord)];
  for (const place of places) {
    for (const field of TYPE_FIELDS) {
      const word = Object.hasOwn(place, field) ? place[field] : undefined;
      if (typeof word !== 'string') continue;
      const type = DECLARED_TYPES.get(word.trim().toLowerCase());
      if (type !== undefined) return { type, word: word.trim() };
    }
  }
  return null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

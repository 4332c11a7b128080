import type { BackoffSettings, Json, ResourceInput, TaskPriority } from '@neolith/contracts';

/** What a plan says of a task, in the form in which the database has it. */
export interface PlannedFields {
  title: string;
  description: string;
  acceptanceCriteria: readonly string[];
  priority: TaskPriority;
  tags: readonly string[];
  resources: readonly ResourceInput[];
  dueAt: Date | null;
  orchestratorId: string | null;
  maxAttempts: number;
  backoff: BackoffSettings | null;
  timeoutSeconds: number | null;
  estimateMinutes: number | null;
  metadata: Record<string, Json>;
}

/** The fields in which a plan and what is stored differ, in a fixed order. Pure. */
export function changedFields(stored: PlannedFields, planned: PlannedFields): (keyof PlannedFields)[] {
  return FIELDS.filter((field) => canonical(stored[field]) !== canonical(planned[field]));
}

const FIELDS = [
  'title',
  'description',
  'acceptanceCriteria',
  'priority',
  'tags',
  'resources',
  'dueAt',
  'orchestratorId',
  'maxAttempts',
  'backoff',
  'timeoutSeconds',
  'estimateMinutes',
  'metadata',
] as const satisfies (keyof PlannedFields)[];

/** Two values are the same when this is: the database sorts the keys of an object its own way. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner) && !(inner instanceof Date)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : inner,
  );
}

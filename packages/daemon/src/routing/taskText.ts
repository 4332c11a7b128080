/** What a task says of itself. Tasks of the server and tasks of a plan both fit. */
export interface TaskText {
  readonly title: string;
  readonly description: string | null;
  readonly tags: readonly string[];
  readonly acceptanceCriteria: readonly string[];
  readonly estimateMinutes: number | null;
  /** Where a tracker's or a plan's own `type` is looked for. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** Longer texts are judged by their beginning: what a task is about is said first, and a look costs the same. */
const JUDGED_CHARS_MAX = 20_000;

/** The beginning of what a task says besides its title. */
export function readBody(task: TaskText): string {
  const description = (task.description ?? '').slice(0, JUDGED_CHARS_MAX);
  return [description, ...task.acceptanceCriteria].join('\n').slice(0, JUDGED_CHARS_MAX);
}

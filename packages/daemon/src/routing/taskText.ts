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

const TITLE_CHARS_MAX = 1_000;

/** The title; of one that no store would take, its beginning. */
export function readTitle(task: TaskText): string {
  return task.title.slice(0, TITLE_CHARS_MAX).trim();
}

/** Title and body together. */
export function readText(task: TaskText): string {
  return `${readTitle(task)}\n${readBody(task)}`;
}

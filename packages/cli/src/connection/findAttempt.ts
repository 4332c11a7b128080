import { type Attempt, type NeolithClient, NeolithError, type Task } from '@neolith/contracts';
import { CommandError } from '../output/commandError.js';
import { plainLine } from '../output/terminal.js';

export interface FindAttemptOptions {
  /** Default: the last one. */
  readonly number: number | undefined;
  /** Waits for a task that has not been started. */
  readonly wait: boolean;
  readonly signal: AbortSignal;
  /** Called once, where it waits. */
  readonly onWait: () => void;
}

/** Among so many of the newest tasks a title is looked for. */
const TASKS_LOOKED_AT = 5_000;
const LOOK_MS = 1_000;

/**
 * The attempt that somebody means: by its own id, or that of a task, which is named by its id or by its title.
 * @throws NeolithError `TASK_NOT_FOUND`, `ATTEMPT_NOT_FOUND`; CommandError `TASK_AMBIGUOUS`, `NOT_STARTED`
 */
export async function findAttempt(
  client: NeolithClient,
  wanted: string,
  options: FindAttemptOptions,
): Promise<Attempt> {
  if (wanted.startsWith('att_')) return client.getAttempt({ params: { id: wanted } });
  const taskId = (await findTask(client, wanted)).id;
  for (let looks = 0; ; looks += 1) {
    const task = await client.getTask({ params: { id: taskId }, signal: options.signal });
    const { number } = options;
    // Newest first.
    const attempt = task.attempts.find((one) => number === undefined || one.number === number);
    if (attempt !== undefined) return attempt;
    const isOver = task.finishedAt !== null || task.attempts.length > 0;
    if (!options.wait || isOver) throw notThere(task, number, task.attempts.length);
    if (looks === 0) options.onWait();
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    options.signal.throwIfAborted();
  }
}

function notThere(task: Task, number: number | undefined, attempts: number): Error {
  if (number !== undefined && attempts > 0) {
    return new NeolithError(
      'ATTEMPT_NOT_FOUND',
      `Task ${task.id} has no attempt ${number}; it has ${attempts}.`,
    );
  }
  return new CommandError(
    'notFound',
    'NOT_STARTED',
    `Task ${task.id} (${plainLine(task.title)}) is ${task.status} and has not been attempted. With --follow its first attempt is waited for.`,
  );
}

/**
 * The task that somebody means, by its id or its title.
 * @throws NeolithError `TASK_NOT_FOUND`; CommandError `TASK_AMBIGUOUS`
 */
export async function findTask(client: NeolithClient, wanted: string): Promise<Pick<Task, 'id'>> {
  return wanted.startsWith('task_') ? { id: wanted } : findByTitle(client, wanted);
}

async function findByTitle(client: NeolithClient, title: string): Promise<Task> {
  const found: Task[] = [];
  let cursor: string | null = null;
  for (let seen = 0; seen < TASKS_LOOKED_AT; ) {
    const page: Awaited<ReturnType<NeolithClient['listTasks']>> = await client.listTasks({
      query: { limit: 500, ...(cursor === null ? {} : { cursor }) },
    });
    found.push(...page.tasks.filter((task) => task.title.toLowerCase() === title.toLowerCase()));
    seen += page.tasks.length;
    cursor = page.nextCursor;
    if (cursor === null) break;
  }
  const exact = found.filter((task) => task.title === title);
  const meant = exact.length > 0 ? exact : found;
  const [first] = meant;
  if (first === undefined) {
    throw new NeolithError(
      'TASK_NOT_FOUND',
      `There is no task ${JSON.stringify(title)}. Give its id (task_…), the id of an attempt (att_…), or its whole title.`,
    );
  }
  if (meant.length > 1) {
    const names = meant.slice(0, 10).map((task) => `${task.id} (${task.status})`);
    throw new CommandError(
      'conflict',
      'TASK_AMBIGUOUS',
      `${meant.length} tasks are called ${JSON.stringify(title)}. Give the id of one: ${names.join(', ')}.`,
    );
  }
  return first;
}

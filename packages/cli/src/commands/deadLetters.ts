import { type DeadLetter, type EngineEvent, isNeolithError, type NeolithClient } from '@neolith/contracts';
import { findOrchestrator, listOrchestrators } from '@neolith/daemon/orchestrators';
import { neolithHome } from '@neolith/database/home';
import { findTask } from '../connection/findAttempt.js';
import { findRun } from '../connection/findRun.js';
import { type ConnectionFlags, resolveConnection } from '../connection/resolveConnection.js';
import { CommandError } from '../output/commandError.js';
import { describeDuration } from '../output/duration.js';
import { plural } from '../output/plural.js';
import { formatTable } from '../output/table.js';
import { plainLine, type Terminal } from '../output/terminal.js';

export interface DeadLetterFlags extends ConnectionFlags {
  readonly json?: true;
  readonly run?: string;
  readonly orchestrator?: string;
  readonly all?: true;
  readonly limit?: number;
}

const LISTED = 50;
const EVENTS_PAGE = 500;
/** What one call redrives at most; more are asked for again. */
const ROUNDS_MAX = 100;

/** `neolith dead-letters`: the tasks that are parked, newest first. */
export async function listDeadLetters(terminal: Terminal, options: DeadLetterFlags): Promise<void> {
  const { client } = resolveConnection(options, process.env, neolithHome());
  const limit = options.limit ?? LISTED;
  const filter = await filterOf(client, options);
  const deadLetters: DeadLetter[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<NeolithClient['listDeadLetters']>> = await client.listDeadLetters({
      query: {
        ...filter,
        limit: Math.min(500, limit - deadLetters.length),
        ...(cursor === null ? {} : { cursor }),
      },
    });
    deadLetters.push(...page.deadLetters);
    cursor = page.nextCursor;
  } while (cursor !== null && deadLetters.length < limit);
  if (options.json) {
    terminal.json({ deadLetters, more: cursor !== null });
    return;
  }
  if (deadLetters.length === 0) {
    terminal.out('No task is parked.');
    return;
  }
  const [head = '', ...rows] = formatTable(
    ['Task', 'Spent', 'Attempts', 'Agent', 'Since', 'Title', 'Reason'],
    deadLetters.map(({ task, spent, agent, parkedAt, reason }) => [
      task.id,
      spent ?? '–',
      task.attemptCount,
      plainLine(agent ?? '–'),
      describeDuration((Date.now() - parkedAt.getTime()) / 1_000),
      plainLine(task.title).slice(0, 40),
      plainLine(reason ?? '').slice(0, 80),
    ]),
  );
  terminal.out(terminal.style('bold', head));
  for (const row of rows) terminal.out(row);
  if (cursor !== null) terminal.out(terminal.style('dim', `The newest ${limit}; --limit lists more.`));
}

/** `neolith dead-letters show TASK`: every attempt at it and every event. */
export async function showDeadLetter(
  terminal: Terminal,
  wanted: string,
  options: DeadLetterFlags,
): Promise<void> {
  const { client } = resolveConnection(options, process.env, neolithHome());
  const { id } = await findTask(client, wanted);
  const [task, events] = await Promise.all([client.getTask({ params: { id } }), listAllEvents(client, id)]);
  if (options.json) {
    terminal.json({ task, events });
    return;
  }
  terminal.out(`${terminal.style('bold', plainLine(task.title))}  ${task.status.toLowerCase()}  ${task.id}`);
  for (const attempt of [...task.attempts].reverse()) {
    const ended = attempt.endedAt === null ? 'running' : attempt.endedAt.toISOString();
    const blame = attempt.failureClass === null ? '' : ` (${attempt.failureClass})`;
    terminal.out(
      `  #${attempt.number}  ${ended}  ${attempt.status.toLowerCase()}${blame}  ${plainLine(attempt.error ?? '')}`,
    );
  }
  terminal.out(terminal.style('bold', 'History'));
  for (const { at, type, from, to, actor } of events) {
    const change = to === null || from === to ? '' : `  ${from === null ? '' : `${from} → `}${to}`;
    terminal.out(`  ${at.toISOString()}  ${type.padEnd(20)}${change}  by ${plainLine(actor)}`);
  }
}

/** `neolith dead-letters redrive [TASK…]`: gives them another chance. */
export async function redriveDeadLetters(
  terminal: Terminal,
  wanted: readonly string[],
  options: DeadLetterFlags,
): Promise<void> {
  const { client } = resolveConnection(options, process.env, neolithHome());
  const filter = await filterOf(client, options);
  const filtered = filter.runId !== undefined || filter.orchestratorId !== undefined;
  if ([wanted.length > 0, filtered, options.all === true].filter(Boolean).length !== 1) {
    throw new CommandError(
      'usage',
      'TASKS_MISSING',
      'Say which: tasks by id or title, or --run RUN, or --orchestrator NAME, or --all.',
    );
  }
  const taskIds: string[] = [];
  for (const one of wanted) taskIds.push((await findTask(client, one)).id);
  const redriven: string[] = [];
  const refused = new Map<string, { taskId: string; code: string; message: string }>();
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const result = await client.redriveDeadLetters({
      body: taskIds.length > 0 ? { taskIds } : filtered ? filter : { all: true },
      timeoutMs: 120_000,
    });
    redriven.push(...result.redriven);
    for (const one of result.refused) refused.set(one.taskId, one);
    // Those that are refused stay in front: where they are all that is left, another round brings nothing.
    if (!result.more || result.redriven.length === 0) break;
  }
  if (options.json) terminal.json({ redriven, refused: [...refused.values()] });
  else {
    terminal.out(`${plural(redriven.length, 'task')} will be tried again.`);
    for (const { message } of refused.values()) terminal.out(`  ${plainLine(message)}`);
  }
  if (redriven.length === 0 && refused.size > 0)
    throw new CommandError('conflict', 'NOTHING_REDRIVEN', 'None of them could be given another chance.');
}

interface Filter {
  readonly runId?: string;
  readonly orchestratorId?: string;
}

async function filterOf(client: NeolithClient, options: DeadLetterFlags): Promise<Filter> {
  const { run, orchestrator } = options;
  return {
    ...(run === undefined ? {} : { runId: (await findRun(client, run)).id }),
    ...(orchestrator === undefined
      ? {}
      : { orchestratorId: findOrchestrator(await listOrchestrators(client), orchestrator).id }),
  };
}

/** The whole history of a task, oldest first. */
async function listAllEvents(client: NeolithClient, id: string): Promise<EngineEvent[]> {
  const events: EngineEvent[] = [];
  for (;;) {
    const cursor = events.at(-1)?.cursor;
    const query = { limit: EVENTS_PAGE, ...(cursor === undefined ? {} : { cursor }) };
    const page = await client.listTaskEvents({ params: { id }, query }).catch((error: unknown) => {
      // A server from before pages of a history knows no cursor.
      if (cursor !== undefined && isNeolithError(error) && error.code === 'INVALID_INPUT')
        return { events: [] };
      throw error;
    });
    events.push(...page.events);
    if (page.events.length < EVENTS_PAGE) return events;
  }
}

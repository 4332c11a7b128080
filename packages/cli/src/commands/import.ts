import { readFile } from 'node:fs/promises';
import { isNeolithError, type PlanPriority } from '@neolith/contracts';
import { overlayDeadlines, type PlanProblem, type PlanReadResult, readPlan } from '@neolith/daemon';
import { neolithHome } from '@neolith/database';
import { listOrchestrators } from '../connection/findOrchestrators.js';
import { type Connection, type ConnectionFlags, resolveConnection } from '../connection/resolveConnection.js';
import { assignTasks, readAssignments } from '../import/assignTasks.js';
import { type ImportResult, importPlan } from '../import/importPlan.js';
import { cutTags } from '../import/toNewTask.js';
import { CommandError } from '../output/commandError.js';
import { plainLine, type Terminal } from '../output/terminal.js';

export interface ImportFlags extends ConnectionFlags {
  readonly orchestrator?: string;
  readonly assign: readonly string[];
  readonly source?: string;
  readonly channel?: string;
  readonly dryRun?: true;
  readonly strict?: true;
  readonly missingPriority?: PlanPriority;
  readonly overlayDeadlines?: number;
  readonly json?: true;
}

const SOURCE_CHARS_MAX = 300;

/** `neolith import FILE`. Every problem of the file is printed with its place, whatever comes of the rest. */
export async function importFile(terminal: Terminal, file: string, options: ImportFlags): Promise<void> {
  const byTag = readAssignments(options.assign);
  const read = readPlan({
    fileName: file,
    content: await readBytes(file),
    options: {
      strict: options.strict === true,
      ...(options.missingPriority === undefined ? {} : { missingPriority: options.missingPriority }),
    },
  });
  if (!options.json) for (const problem of read.problems) terminal.note(formatProblem(problem, terminal));
  if (read.plan === null) {
    if (options.json) terminal.json({ ok: false, ...describeRead(read) });
    const errors = read.counts.severities.error;
    throw new CommandError(
      'failed',
      'PLAN_INVALID',
      `${file} can't be imported: ${errors} ${errors === 1 ? 'error' : 'errors'}. Nothing was changed.`,
    );
  }
  const plan =
    options.overlayDeadlines === undefined
      ? read.plan
      : overlayDeadlines(read.plan, { seed: options.overlayDeadlines, now: new Date() });
  for (const task of plan.tasks) {
    for (const tag of cutTags(task.tags)) {
      terminal.note(
        `${task.file}:${task.line}: warning TAG_SHORTENED: the tag ${JSON.stringify(tag)} was cut to 64 characters.`,
      );
    }
  }
  const source = (options.source ?? plan.name).slice(0, SOURCE_CHARS_MAX);
  const connection = connectOrSkip(options);
  let result: ImportResult | null = null;
  try {
    if (connection !== null) {
      const { client } = connection;
      const assignments = assignTasks(
        plan.tasks,
        { byTag, everybodyElse: options.orchestrator ?? null },
        await listOrchestrators(client),
      );
      result = await importPlan(client, {
        plan,
        source,
        assignments,
        channelId: options.channel === undefined ? null : await findChannel(connection, options.channel),
        dryRun: options.dryRun === true,
        ...(process.stderr.isTTY && !options.json
          ? {
              onProgress: (done, total) =>
                void process.stderr.write(`\r${done}/${total}${done === total ? '\n' : ''}`),
            }
          : {}),
      });
    }
  } catch (error) {
    if (options.dryRun !== true || !isNeolithError(error) || error.code !== 'SERVER_UNREACHABLE') throw error;
    terminal.note('No server answered: what is there already could not be compared.');
  }
  if (options.json) {
    terminal.json({ ok: true, source, dryRun: options.dryRun === true, ...describeRead(read), result });
    return;
  }
  printSummary(terminal, read, result, { file, source, dryRun: options.dryRun === true });
}

async function readBytes(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw code === 'ENOENT'
      ? new CommandError('notFound', 'FILE_NOT_FOUND', `There is no file ${file}.`, { cause })
      : new CommandError('failed', 'FILE_UNREADABLE', `${file} can't be read: ${message}.`, { cause });
  }
}

/** A dry run also works on a machine that knows no server. */
function connectOrSkip(options: ImportFlags): Connection | null {
  try {
    return resolveConnection(options, process.env, neolithHome());
  } catch (error) {
    if (options.dryRun === true && error instanceof CommandError && error.code === 'TOKEN_MISSING')
      return null;
    throw error;
  }
}

async function findChannel({ client }: Connection, wanted: string): Promise<string> {
  const { channels } = await client.listChannels();
  const found = channels.find(({ id, name }) => id === wanted || name === wanted);
  if (found !== undefined) return found.id;
  throw new CommandError(
    'notFound',
    'CHANNEL_NOT_FOUND',
    `There is no channel ${JSON.stringify(wanted)}. There are: ${channels.map(({ name }) => plainLine(name)).join(', ') || 'none'}.`,
  );
}

function formatProblem(problem: PlanProblem, terminal: Terminal): string {
  const { severity, code, message, file, line, column } = problem;
  const place = `${file}:${line}${column === undefined ? '' : `:${column}`}`;
  const style = severity === 'error' ? 'red' : severity === 'warning' ? 'yellow' : 'dim';
  return `${place}: ${terminal.style(style, `${severity} ${code}`)}: ${plainLine(message)}`;
}

function describeRead(read: PlanReadResult) {
  return { format: read.format, name: read.plan?.name ?? null, counts: read.counts, problems: read.problems };
}

function printSummary(
  terminal: Terminal,
  read: PlanReadResult,
  result: ImportResult | null,
  about: { file: string; source: string; dryRun: boolean },
): void {
  const { counts } = read;
  const would = about.dryRun ? 'would be ' : '';
  terminal.out(
    `${about.file}: ${counts.rows} rows (${read.format}), ${counts.tasks} tasks, ${counts.dependencies.total} dependencies; source ${JSON.stringify(about.source)}`,
  );
  if (result !== null) {
    terminal.out(
      `  ${would}created    ${result.created}${result.unassigned > 0 ? ` (${result.unassigned} belong to nobody)` : ''}`,
    );
    terminal.out(
      `  ${would}updated    ${result.updated}${result.dependenciesAdded > 0 ? ` (${result.dependenciesAdded} dependencies added)` : ''}`,
    );
    terminal.out(`  unchanged  ${result.unchanged}`);
    for (const { sourceId, code, message } of result.refused) {
      terminal.out(`  refused    ${plainLine(sourceId)}: ${code}: ${plainLine(message)}`);
    }
    if (result.parentsLeftOut.length > 0) {
      terminal.out(
        `  without their parent, whose family is too large for one call: ${result.parentsLeftOut.length}`,
      );
    }
    if (result.finishedInPlan.length > 0) {
      terminal.out(`  finished in the file, but still open here: ${result.finishedInPlan.length}`);
    }
  }
  const dropped = counts.rows - counts.tasks;
  if (dropped > 0) terminal.out(`  dropped    ${dropped}`);
  const problems = Object.entries(counts.problems);
  if (problems.length > 0) {
    terminal.out('  problems');
    for (const [code, count] of problems) terminal.out(`    ${String(count).padStart(5)}  ${code}`);
  }
}

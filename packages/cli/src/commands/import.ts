import { isNeolithError, parsePlanDue } from '@neolith/contracts';
import {
  type RunSettingFlags,
  type StoredPlan,
  settingsOf,
  sourceOf,
  storePlan,
  TASKS_MAX,
} from '@neolith/daemon';
import { neolithHome } from '@neolith/database/home';
import { type Connection, type ConnectionFlags, resolveConnection } from '../connection/resolveConnection.js';
import { describeImport } from '../import/describeImport.js';
import { describeRead, type LoadedPlan, loadPlan, type PlanFlags } from '../import/loadPlan.js';
import { readAssignments } from '../import/readAssignments.js';
import { CommandError } from '../output/commandError.js';
import { plainLine, type Terminal } from '../output/terminal.js';

/** What both `import` and `execute` take beside where the server is. */
export interface StoreFlags extends ConnectionFlags, PlanFlags, RunSettingFlags {
  readonly orchestrator?: string;
  readonly assign: readonly string[];
  readonly source?: string;
  readonly channel?: string;
  readonly due?: string;
}

export interface ImportFlags extends StoreFlags {
  readonly dryRun?: true;
  readonly start?: true;
}

/** `neolith import PLAN`: stores it as a run, or brings the run of the same source up to date. */
export async function importFile(terminal: Terminal, path: string, options: ImportFlags): Promise<void> {
  const byTag = readAssignments(options.assign);
  const dueAt = readDue(options.due);
  const loaded = await loadPlan(terminal, path, options);
  const { read, plan } = loaded;
  const source = sourceOf(plan, options.source);
  const dryRun = options.dryRun === true;
  let stored: StoredPlan | null = null;
  try {
    const connection = connectOrSkip(options);
    if (connection !== null) {
      stored = await storePlan(connection.client, {
        plan,
        source,
        byTag,
        orchestrator: options.orchestrator,
        channel: options.channel,
        settings: settingsOf(plan.run, options),
        dueAt,
        dryRun,
        start: options.start === true,
      });
    }
  } catch (error) {
    if (!dryRun || !isNeolithError(error) || error.code !== 'SERVER_UNREACHABLE') throw error;
  }
  if (stored === null) {
    terminal.note('No server answered: what is there already could not be compared.');
    if (plan.tasks.length > TASKS_MAX)
      terminal.note(`The plan has ${plan.tasks.length} tasks; a run holds at most ${TASKS_MAX}.`);
  }
  const result = stored?.result ?? null;
  if (options.json) {
    terminal.json({ ok: true, source, dryRun, ...describeRead(read), result });
    return;
  }
  printRead(terminal, path, source, loaded);
  if (stored === null || result === null) return;
  for (const line of describeImport(result, terminal)) terminal.out(line);
  if (stored.unassigned > 0) {
    terminal.out(
      terminal.style(
        'yellow',
        `  belong to nobody  ${stored.unassigned}: name somebody by --orchestrator or --assign`,
      ),
    );
  }
  if (result.run === null || dryRun) return;
  const { id, status } = result.run;
  terminal.out(`  run        ${id}  ${status.toLowerCase()}`);
  if (status === 'PENDING') terminal.out(terminal.style('dim', `  Start it: neolith runs start ${id}`));
  else terminal.out(terminal.style('dim', `  Watch it: neolith runs watch ${id}`));
}

/** The `--due` of a run. */
export function readDue(text: string | undefined): Date | null {
  if (text === undefined) return null;
  const due = parsePlanDue(text);
  if (due !== null) return due;
  throw new CommandError(
    'usage',
    'DATE_INVALID',
    `--due takes a date (2026-11-20) or a time with its offset (2026-11-20T17:00:00+01:00), not ${JSON.stringify(text)}.`,
  );
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

function printRead(terminal: Terminal, path: string, source: string, { read, plan }: LoadedPlan): void {
  const { counts } = read;
  terminal.out(
    `${terminal.style('bold', plainLine(plan.name))}: ${counts.tasks} tasks, ${counts.dependencies.total} dependencies (${path}, ${read.format}; source ${JSON.stringify(source)})`,
  );
  const dropped = counts.rows - counts.tasks;
  if (dropped > 0) terminal.out(`  dropped    ${dropped}`);
  const problems = Object.entries(counts.problems);
  if (problems.length > 0) {
    terminal.out('  problems');
    for (const [code, count] of problems) terminal.out(`    ${String(count).padStart(5)}  ${code}`);
  }
}

import type { PlanPriority } from '@neolith/contracts';
import {
  cutTags,
  type NormalisedPlan,
  overlayDeadlines,
  type PlanFormat,
  type PlanProblem,
  type PlanReadResult,
  readPlan,
} from '@neolith/daemon';
import { CommandError } from '../output/commandError.js';
import { plainLine, type Terminal } from '../output/terminal.js';
import { askMissingPriority, needsPriority } from './askMissingPriority.js';
import { readPlanPath } from './readPlanPath.js';

export interface PlanFlags {
  readonly format?: 'auto' | PlanFormat;
  readonly strict?: true;
  readonly missingPriority?: PlanPriority;
  readonly list?: string;
  readonly overlayDeadlines?: number;
  readonly json?: true;
}

export interface LoadedPlan {
  readonly read: PlanReadResult;
  readonly plan: NormalisedPlan;
}

/**
 * Reads a plan from the disk. Every problem is printed with its place, whatever comes of the rest; where a person sits
 * at a terminal, it asks for a priority that rows don't have.
 * @throws CommandError `PLAN_INVALID` for a plan with errors; with `--json` its problems are printed then
 */
export async function loadPlan(terminal: Terminal, path: string, options: PlanFlags): Promise<LoadedPlan> {
  const source = await readPlanPath(path);
  const readWith = (missingPriority: PlanPriority | undefined): PlanReadResult =>
    readPlan({
      ...source,
      ...(options.format === undefined ? {} : { format: options.format }),
      options: {
        strict: options.strict === true,
        ...(missingPriority === undefined ? {} : { missingPriority }),
        ...(options.list === undefined ? {} : { tag: options.list }),
      },
    });
  let read = readWith(options.missingPriority);
  const isConversation = !options.json && process.stdin.isTTY === true && process.stderr.isTTY === true;
  if (needsPriority(read, options.missingPriority, isConversation)) {
    read = readWith(await askMissingPriority(read.counts.missingPriorities, read.format));
  }
  if (!options.json) for (const problem of read.problems) terminal.note(formatProblem(problem, terminal));
  if (read.plan === null) {
    if (options.json) terminal.json({ ok: false, ...describeRead(read) });
    const errors = read.counts.severities.error;
    throw new CommandError(
      'failed',
      'PLAN_INVALID',
      `${path} can't be used: ${errors} ${errors === 1 ? 'error' : 'errors'}. Nothing was changed.`,
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
  return { read, plan };
}

/** What is told of a file that was read, in JSON. */
export function describeRead(read: PlanReadResult) {
  return { format: read.format, name: read.plan?.name ?? null, counts: read.counts, problems: read.problems };
}

function formatProblem(problem: PlanProblem, terminal: Terminal): string {
  const { severity, code, message, file, line, column } = problem;
  const place = `${file}:${line}${column === undefined ? '' : `:${column}`}`;
  const style = severity === 'error' ? 'red' : severity === 'warning' ? 'yellow' : 'dim';
  return `${place}: ${terminal.style(style, `${severity} ${code}`)}: ${plainLine(message)}`;
}

import { resolve } from 'node:path';
import {
  DAEMON_DEFAULTS,
  type ExecutionPreview,
  type NormalisedTask,
  preparePrompts,
  previewContext,
  previewExecution,
  type RoutedChoice,
} from '@neolith/daemon';
import { analysePlan } from '../graph/analysePlan.js';
import { describeRead, type LoadedPlan } from '../import/loadPlan.js';
import { CommandError } from '../output/commandError.js';
import { describeDuration } from '../output/duration.js';
import { fitEnd, fitLine } from '../output/fitLine.js';
import { plural } from '../output/plural.js';
import { quoteArgument } from '../output/quoteArgument.js';
import { formatTable } from '../output/table.js';
import { plainLine, type Terminal } from '../output/terminal.js';
import type { WorkerFlags, Workers } from './prepareWorkers.js';

interface PlannedTask extends RoutedChoice {
  readonly id: string;
  readonly title: string;
  readonly wave: number;
  readonly prompt: string;
  /** What would be run; null: nobody would do it. */
  readonly execution: ExecutionPreview | null;
}

/** Of a place that there is none of yet. */
const WORKTREE = 'WORKTREE';
/** As the watch over processes has it. */
const STALLED_AFTER_MS = 900_000;

const ID_COLUMNS_MAX = 20;

export interface DryRunOptions extends Pick<WorkerFlags, 'model' | 'stalledAfter'> {
  readonly json?: true;
  readonly maxConcurrent: number;
  /** Seconds a task may take that has no limit of its own. */
  readonly timeout?: number;
}

/** Who would do what, in which order, and told what. Asks no server and changes nothing. */
export async function showDryRun(
  terminal: Terminal,
  loaded: LoadedPlan | null,
  workers: Workers,
  options: DryRunOptions,
): Promise<void> {
  if (loaded === null) {
    throw new CommandError(
      'usage',
      'SETTINGS_CONTRADICT',
      '--dry-run needs a plan. What a run that exists will do: neolith graph --run RUN.',
    );
  }
  const { plan, read } = loaded;
  const { waves, criticalPath } = analysePlan(plan);
  const tasks = await planTasks(plan.tasks, waves, workers, options);
  if (options.json) {
    terminal.json({ dryRun: true, ...describeRead(read), waves, criticalPath, tasks });
    return;
  }
  terminal.out(
    `${terminal.style('bold', plainLine(plan.name))}: ${plural(tasks.length, 'open task')} in ${plural(waves.length, 'wave')}, ${plural(options.maxConcurrent, 'agent')} at once, at least ${describeDuration(criticalPath.seconds)} by the estimates`,
  );
  if (workers.repository === null)
    terminal.out('In no git repository: nothing would be committed or merged.');
  for (const [wave, ids] of waves.entries()) {
    const inWave = tasks.filter((task) => task.wave === wave);
    if (inWave.length === 0) continue;
    terminal.out();
    terminal.out(
      terminal.style('bold', `Wave ${wave + 1} of ${waves.length}  (${plural(ids.length, 'task')})`),
    );
    for (const line of drawWave(inWave, terminal)) terminal.out(line);
  }
  for (const task of tasks) {
    terminal.out();
    terminal.out(
      terminal.style(
        'bold',
        `── ${plainLine(task.id)}: ${plainLine(task.title)}, for ${task.assignment.primary ?? 'nobody'}`,
      ),
    );
    terminal.out(terminal.style('dim', `   ${plainLine(task.assignment.justification)}`));
    for (const line of describeRun(task.execution)) terminal.out(terminal.style('dim', `   ${line}`));
    terminal.out();
    terminal.verbatim(task.prompt.trimEnd());
  }
  terminal.out();
  terminal.out('A dry run: nothing was stored, started or changed.');
}

async function planTasks(
  all: readonly NormalisedTask[],
  waves: readonly (readonly string[])[],
  { agents, repository, project }: Workers,
  options: DryRunOptions,
): Promise<PlannedTask[]> {
  const waveOf = new Map(waves.flatMap((ids, wave) => ids.map((id) => [id, wave] as const)));
  const open = all.filter(({ status }) => status === 'open');
  const routed = open.map((task) => ({ task, ...agents.route(task) }));
  const now = new Date();
  const prompts = await preparePrompts(
    routed.map(({ task, assignment }) => ({
      context: previewContext(task, waveOf.get(task.sourceId) ?? 0, now),
      agent: assignment.primary ?? 'shell',
      directory: repository?.openedPath ?? null,
      project,
    })),
  );
  const executions: (ExecutionPreview | null)[] = [];
  for (const [place, { task, assignment }] of routed.entries()) {
    const adapter = assignment.primary === null ? null : agents.adapter(assignment.primary);
    executions.push(
      adapter === null
        ? null
        : await previewExecution(adapter, {
            taskId: task.sourceId,
            attemptId: 'ATTEMPT',
            model: options.model,
            workingDirectory: repository === null ? resolve('.') : WORKTREE,
            context: null,
            prompt: prompts[place] ?? '',
            resources: task.resources,
            timeoutSeconds: task.timeoutSeconds ?? options.timeout ?? null,
            defaults: {
              taskTimeoutMs: DAEMON_DEFAULTS.taskTimeoutMs,
              stalledAfterMs: stallOf(options),
              graceMs: DAEMON_DEFAULTS.graceMs,
            },
          }),
    );
  }
  return routed
    .map(({ task, classification, assignment, decision }, place) => ({
      id: task.sourceId,
      title: task.title,
      wave: waveOf.get(task.sourceId) ?? 0,
      classification,
      assignment,
      decision,
      execution: executions[place] ?? null,
      prompt: prompts[place] ?? '',
    }))
    .sort((a, b) => a.wave - b.wave);
}

function stallOf({ stalledAfter }: DryRunOptions): number | null {
  if (stalledAfter === undefined) return STALLED_AFTER_MS;
  return stalledAfter === null ? null : stalledAfter * 1_000;
}

/** What would be run, as a person reads it; the JSON has all of it. */
function describeRun(execution: ExecutionPreview | null): string[] {
  if (execution === null) return [];
  const { argv, stdin, environmentNames, limits, model, problem } = execution;
  if (problem !== null) return [`Can't be started: ${plainLine(problem)}`];
  if (argv === null) return ['Starts nothing: a person does it.'];
  const input =
    stdin.kind === 'empty'
      ? 'nothing'
      : `${stdin.kind === 'prompt' ? 'the prompt' : 'its context'}, ${plural(stdin.bytes, 'byte')}`;
  const facts = [
    `stdin: ${input}`,
    `variables: ${environmentNames.join(' ')}`,
    ...(model === null ? [] : [`model: ${plainLine(model)}`]),
    ...(limits.timeoutMs === null ? [] : [`at most ${describeDuration(limits.timeoutMs / 1_000)}`]),
  ];
  return [`Runs: ${plainLine(argv.map(quoteArgument).join(' '))}`, `With ${facts.join('; ')}`];
}

function drawWave(tasks: readonly PlannedTask[], terminal: Terminal): string[] {
  // In a file everything is worth having; at a terminal the ends of ids are, which tell them apart.
  const idColumns = terminal.isTerminal ? ID_COLUMNS_MAX : Number.POSITIVE_INFINITY;
  const lines = formatTable(
    ['Task', 'Agent', 'Else', 'Sure', 'Type', 'Complexity', 'Title'],
    tasks.map(({ id, title, classification, assignment }) => [
      fitEnd(plainLine(id), idColumns),
      assignment.primary ?? 'nobody',
      assignment.secondary ?? '–',
      `${Math.round(assignment.confidence * 100)} %`,
      classification.type,
      classification.complexity,
      plainLine(title),
    ]),
  );
  return lines.map((line) => (terminal.isTerminal ? fitLine(`  ${line}`, terminal.columns()) : `  ${line}`));
}

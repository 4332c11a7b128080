import { type NormalisedTask, preparePrompts, previewContext, type RoutedChoice } from '@neolith/daemon';
import { analysePlan } from '../graph/analysePlan.js';
import { describeRead, type LoadedPlan } from '../import/loadPlan.js';
import { CommandError } from '../output/commandError.js';
import { describeDuration } from '../output/duration.js';
import { fitEnd, fitLine } from '../output/fitLine.js';
import { plural } from '../output/plural.js';
import { formatTable } from '../output/table.js';
import { plainLine, type Terminal } from '../output/terminal.js';
import type { Workers } from './prepareWorkers.js';

interface PlannedTask extends RoutedChoice {
  readonly id: string;
  readonly title: string;
  readonly wave: number;
  readonly prompt: string;
}

const ID_COLUMNS_MAX = 20;

/** Who would do what, in which order, and told what. Asks no server and changes nothing. */
export async function showDryRun(
  terminal: Terminal,
  loaded: LoadedPlan | null,
  workers: Workers,
  options: { readonly json?: true; readonly maxConcurrent: number },
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
  const tasks = await planTasks(plan.tasks, waves, workers);
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
  return routed
    .map(({ task, classification, assignment }, place) => ({
      id: task.sourceId,
      title: task.title,
      wave: waveOf.get(task.sourceId) ?? 0,
      classification,
      assignment,
      prompt: prompts[place] ?? '',
    }))
    .sort((a, b) => a.wave - b.wave);
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

import { parsePlanDue, planLimits } from '@neolith/contracts';
import { type MarkdownFile, parseMarkdownFile } from '../../markdownBlocks.js';
import type { DraftPlan, PlanReader, PlanText } from '../../planReader.js';
import type { ProblemLog } from '../../problemLog.js';
import { createSourceCounts } from '../sourceCounts.js';
import { createTaskFitter } from '../taskFitter.js';
import { type CollectedPlan, collectTasks } from './collectTasks.js';
import { createInheritance } from './inheritSettings.js';
import { makePhases } from './makePhases.js';
import { makeTasks } from './makeTasks.js';
import { makeMarkdownTree } from './markdownTree.js';
import { namePhases, nameTasks } from './nameTasks.js';
import { type FrontMatter, readFrontMatter } from './readFrontMatter.js';
import { createNameResolver } from './resolveNames.js';

/** Plans and PRDs in Markdown; see docs/concepts/plans.md for the grammar. */
export const markdownReader: PlanReader = {
  format: 'markdown',
  title: 'Markdown plan or PRD',
  alwaysStrict: true,
  recognise({ file, text }) {
    if (/\.(?:md|markdown|mdown|mdx)$/i.test(file)) return 'certain';
    if (/\.(?:json|jsonl|ndjson|ya?ml)$/i.test(file)) return 'no';
    return /^[ \t]*(?:[-*+]|\d+[.)])[ \t]+\[[ xX-]\][ \t]/m.test(text) || /^#{1,6}[ \t]+\S/m.test(text)
      ? 'possible'
      : 'no';
  },
  read: readMarkdownPlan,
};

function readMarkdownPlan(source: PlanText, log: ProblemLog): DraftPlan | null {
  const file = parseMarkdownFile(source, log);
  const frontMatter = file === null ? null : readFrontMatter(file.frontMatter, log);
  if (file === null || frontMatter === null) return null;
  const collected = collectTasks(file, makeMarkdownTree(file), log);
  if (collected.tasks.length === 0) {
    log.add(
      'TASKS_EMPTY',
      { file: source.file, line: 1 },
      `There is no task in ${source.file}; write tasks as "- [ ] title", or as a list under a heading such as Tasks or Requirements.`,
    );
    return null;
  }
  return makeDraft(file, frontMatter, collected, log);
}

function makeDraft(
  file: MarkdownFile,
  front: FrontMatter,
  collected: CollectedPlan,
  log: ProblemLog,
): DraftPlan {
  const namedTasks = nameTasks(collected.tasks, log);
  const namedPhases = namePhases(collected.phases);
  const resolve = createNameResolver(namedTasks, namedPhases, log);
  const afterOf = new Map(
    namedPhases.map(({ phase }) => [
      phase,
      resolve(phase.after, {
        subject: `Phase ${phase.name}`,
        phase: phase.parent,
        parent: null,
        previous: null,
        phasesFirst: true,
      }),
    ]),
  );
  const phases = makePhases(namedPhases, afterOf, collected.tasks, front.isSequential);
  const counts = createSourceCounts();
  const tasks = makeTasks(namedTasks, {
    resolve,
    afterOf,
    phaseIds: new Map(namedPhases.map(({ id, phase }) => [phase, id])),
    inherit: createInheritance(front, collected.settings),
    counts,
    log,
  });
  const fit = createTaskFitter('the plan', { file: file.file, line: 1 }, log);
  const { due } = front.defaults;
  return {
    name: (front.name ?? (collected.title || baseName(file.file)))
      .slice(0, planLimits.nameCharsMax)
      .toWellFormed(),
    description: front.description ?? fit.description(collected.description),
    run: front.run,
    phases,
    dependenciesComplete: false,
    dueAt: collected.settings.dueAt ?? (due === undefined ? null : parsePlanDue(due)),
    tasks,
    deletedSourceIds: new Set(),
    source: counts,
  };
}

function baseName(file: string): string {
  return file.replace(/^.*[\\/]/, '').replace(/\.[^.]*$/, '') || 'plan';
}

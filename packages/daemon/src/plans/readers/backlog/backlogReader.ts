import type { DraftPhase, DraftPlan, PlanFolder, PlanReader, PlanReaderOptions } from '../../planReader.js';
import type { ProblemLog } from '../../problemLog.js';
import { createSourceCounts } from '../sourceCounts.js';
import { type BacklogFile, looksLikeBacklogTask, sortBacklogFiles } from './backlogFiles.js';
import { createBacklogIds } from './backlogIds.js';
import { parseTime, readBacklogTask } from './backlogTask.js';

/** Tasks of Backlog.md: a folder of Markdown files with YAML front matter, or one of them alone. */
export const backlogReader: PlanReader = {
  format: 'backlog-md',
  title: 'folder of Backlog.md',
  alwaysStrict: false,
  recognise: ({ file, text }) =>
    /\.(?:md|markdown)$/i.test(file) && looksLikeBacklogTask(text) ? 'certain' : 'no',
  read: (source, log, options) => readBacklogFolder({ name: source.file, files: [source] }, log, options),
  folder: {
    recognise: ({ files }) => files.some(({ text }) => looksLikeBacklogTask(text)),
    read: readBacklogFolder,
  },
};

function readBacklogFolder(folder: PlanFolder, log: ProblemLog, options: PlanReaderOptions): DraftPlan {
  const { tasks: files, milestones, archived, projectName } = sortBacklogFiles(folder, log);
  const ids = files.map(({ id }) => id);
  const findId = createBacklogIds(ids);
  const findArchived = createBacklogIds(archived.map(({ id }) => id));
  const phases = listPhases(files, milestones);
  const counts = createSourceCounts();
  const tasks = files.map((entry) =>
    readBacklogTask(entry, {
      log,
      counts,
      options,
      findId: (written) => findId(written) ?? findArchived(written),
      dueOfMilestone: (milestone) => phases.get(milestone)?.dueAt ?? null,
    }),
  );
  const known = new Set(ids);
  return {
    name:
      projectName ??
      (folder.name
        .replace(/[\\/]+$/, '')
        .replace(/^.*[\\/]/, '')
        .replace(/\.md$/i, '') ||
        'backlog'),
    description: null,
    run: null,
    phases: [...phases.values()],
    dependenciesComplete: false,
    dueAt: null,
    tasks,
    deletedSourceIds: new Set(archived.map(({ id }) => id).filter((id) => !known.has(id))),
    source: counts,
  };
}

/** A phase for each milestone that tasks name, with title and due date from its own file, if there is one. */
function listPhases(
  files: readonly BacklogFile[],
  milestones: readonly BacklogFile[],
): Map<string, DraftPhase & { readonly dueAt: Date | null }> {
  const about = new Map(milestones.map((milestone) => [milestone.id, milestone]));
  const phases = new Map<string, DraftPhase & { readonly dueAt: Date | null }>();
  for (const { record, locate } of files) {
    const id = typeof record.milestone === 'number' ? String(record.milestone) : record.milestone;
    if (typeof id !== 'string' || id.trim() === '' || phases.has(id.trim())) continue;
    const { title, due_date: due } = about.get(id.trim())?.record ?? {};
    phases.set(id.trim(), {
      id: id.trim(),
      name: typeof title === 'string' && title.trim() !== '' ? title.trim() : id.trim(),
      parent: null,
      after: [],
      dueAt: typeof due === 'string' ? parseTime(due, true) : null,
      at: locate(['milestone']),
      locate: () => locate(['milestone']),
    });
  }
  return phases;
}

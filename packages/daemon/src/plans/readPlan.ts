import type { PlanPriority } from '@neolith/contracts';
import { chooseFolderReader, choosePlanReader } from './choosePlanReader.js';
import { decodePlanFile } from './decodePlanFile.js';
import { decodePlanFolder } from './decodePlanFolder.js';
import type { NormalisedPlan } from './normalisedPlan.js';
import { normalisePlan } from './normalisePlan.js';
import { countPlan, type PlanCounts } from './planCounts.js';
import type { PlanFile } from './planFile.js';
import type { PlanFault, PlanProblem } from './planProblem.js';
import type { DraftPlan, PlanReader, PlanReaderOptions } from './planReader.js';
import { createProblemLog, type ProblemLog } from './problemLog.js';

/** A plan that is one file, or a folder of files. */
export type ReadPlanInput = (PlanFile | PlanFiles) & {
  /** `auto` (default) recognises the format by file name and content. */
  readonly format?: 'auto' | PlanFormat;
  readonly options?: ReadPlanOptions;
};

export interface PlanFiles {
  /** The folder, as it should stand in messages. */
  readonly folderName: string;
  /**
   * Every Markdown and YAML file in it and in its folders, named by its path in the folder, with `/`. Their order
   * does not matter. Together at most 50 MB.
   */
  readonly files: readonly PlanFile[];
}

export type PlanFormat = 'neolith' | 'markdown' | 'beads' | 'backlog-md' | 'task-master';

export interface ReadPlanOptions {
  /** Makes errors of the warnings that say something of the file was left out. Default false. */
  readonly strict?: boolean;
  /** Priority of tasks that other systems wrote without one. Default MEDIUM, with a warning for beads. */
  readonly missingPriority?: PlanPriority;
  /** The list of tasks to read from a `tasks.json` of task-master that holds several. Default: all. */
  readonly tag?: string;
}

export interface PlanReadResult {
  /** Null when there is at least one error. */
  readonly plan: NormalisedPlan | null;
  /** The format that was read, null when none was recognised. */
  readonly format: string | null;
  /** By file, line and column. */
  readonly problems: readonly PlanProblem[];
  readonly counts: PlanCounts;
}

/**
 * Reads a plan. Never throws for what is in the files: everything that is wrong with them is a problem with a
 * place. A plan comes back only when no problem is an error.
 */
export function readPlan(input: ReadPlanInput): PlanReadResult {
  return 'files' in input ? readFolder(input) : readFile(input);
}

function readFile({
  fileName,
  content,
  format = 'auto',
  options = {},
}: PlanFile & Pick<ReadPlanInput, 'format' | 'options'>): PlanReadResult {
  const decoded = decodePlanFile(fileName, content);
  if ('fault' in decoded) return refusePlan([decoded.fault]);
  const reader = choosePlanReader(decoded.source, format);
  if ('code' in reader) return refusePlan([reader]);
  const log = createProblemLog(reader.alwaysStrict || options.strict === true);
  return finish(reader, reader.read(decoded.source, log, fillOptions(options)), log, fileName);
}

function readFolder({
  folderName,
  files,
  format = 'auto',
  options = {},
}: PlanFiles & Pick<ReadPlanInput, 'format' | 'options'>): PlanReadResult {
  const { folder, faults } = decodePlanFolder(folderName, files);
  if (folder.files.length === 0) {
    const empty: PlanFault = {
      code: 'FOLDER_EMPTY',
      at: { file: folderName, line: 1 },
      message: `There is no file in ${folderName} that could hold a plan; give a plan file, or a folder of Markdown tasks.`,
    };
    return refusePlan(faults.some(({ code }) => code !== 'FILE_SKIPPED') ? faults : [empty, ...faults]);
  }
  const reader = chooseFolderReader(folder, format);
  if ('code' in reader) return refusePlan([reader, ...faults]);
  const log = createProblemLog(reader.alwaysStrict || options.strict === true);
  for (const { code, at, message } of faults) log.add(code, at, message);
  return finish(reader, reader.folder.read(folder, log, fillOptions(options)), log, folderName);
}

function fillOptions({ missingPriority, tag }: ReadPlanOptions): PlanReaderOptions {
  return { missingPriority: missingPriority ?? null, tag: tag ?? null };
}

function finish(reader: PlanReader, draft: DraftPlan | null, log: ProblemLog, file: string): PlanReadResult {
  const normalised = draft === null ? null : normalisePlan(draft, log, file);
  const problems = log.list();
  return {
    plan: log.hasErrors() ? null : (normalised?.plan ?? null),
    format: reader.format,
    problems,
    counts: countPlan(draft, normalised, problems),
  };
}

function refusePlan(faults: readonly PlanFault[]): PlanReadResult {
  const log = createProblemLog(true);
  for (const { code, at, message } of faults) log.add(code, at, message);
  const problems = log.list();
  return { plan: null, format: null, problems, counts: countPlan(null, null, problems) };
}

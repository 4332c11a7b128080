import type { PlanPriority } from '@neolith/contracts';
import { choosePlanReader } from './choosePlanReader.js';
import { decodePlanFile } from './decodePlanFile.js';
import type { NormalisedPlan } from './normalisedPlan.js';
import { normalisePlan } from './normalisePlan.js';
import { countPlan, type PlanCounts } from './planCounts.js';
import type { PlanFault, PlanProblem } from './planProblem.js';
import { createProblemLog } from './problemLog.js';

export interface ReadPlanInput {
  /** As it should stand in messages; its ending helps to recognise the format. */
  readonly fileName: string;
  /** The bytes of the file, at most 50 MB; a text is taken as already decoded. */
  readonly content: Uint8Array | string;
  /** `auto` (default) recognises the format by file name and content. */
  readonly format?: 'auto' | 'neolith' | 'beads';
  readonly options?: ReadPlanOptions;
}

export interface ReadPlanOptions {
  /** Makes errors of the warnings that say something of the file was left out. Default false. */
  readonly strict?: boolean;
  /** Priority of beads rows that have none. Default MEDIUM. */
  readonly missingPriority?: PlanPriority;
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
 * Reads a plan. Never throws for what is in the file: everything that is wrong with it is a problem with a
 * place. A plan comes back only when no problem is an error.
 */
export function readPlan({
  fileName,
  content,
  format = 'auto',
  options = {},
}: ReadPlanInput): PlanReadResult {
  const decoded = decodePlanFile(fileName, content);
  if ('fault' in decoded) return refusePlan(decoded.fault);
  const reader = choosePlanReader(decoded.source, format);
  if ('code' in reader) return refusePlan(reader);

  const log = createProblemLog(reader.alwaysStrict || options.strict === true);
  const draft = reader.read(decoded.source, log, { missingPriority: options.missingPriority ?? 'MEDIUM' });
  const normalised = draft === null ? null : normalisePlan(draft, log, fileName);
  const problems = log.list();
  return {
    plan: log.hasErrors() ? null : (normalised?.plan ?? null),
    format: reader.format,
    problems,
    counts: countPlan(draft, normalised, problems),
  };
}

function refusePlan(fault: PlanFault): PlanReadResult {
  const log = createProblemLog(true);
  log.add(fault.code, fault.at, fault.message);
  const problems = log.list();
  return { plan: null, format: null, problems, counts: countPlan(null, null, problems) };
}

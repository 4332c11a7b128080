import { GitError } from './gitError.js';

/** Ids become names of directories and branches; nothing else may. */
const SAFE_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/;

export const ATTEMPT_BRANCHES = 'neolith/attempt_';

export function isSafeId(id: string): boolean {
  return SAFE_ID.test(id);
}

/** @throws GitError `NAME_INVALID`. */
export function requireSafeId(id: string, what: string): string {
  if (isSafeId(id)) return id;
  throw new GitError(
    'NAME_INVALID',
    `${JSON.stringify(id.slice(0, 100))} can't name a branch or a directory: ${what} has letters, digits, "-" and "_" only.`,
  );
}

/** The branch on which one attempt works. */
export function nameAttemptBranch(attemptId: string): string {
  return `${ATTEMPT_BRANCHES}${requireSafeId(attemptId, 'an attempt id').replace(/^att_(?=.)/, '')}`;
}

/** The branch into which a run's work is merged where none is given. */
export function nameRunBranch(runId: string): string {
  return `neolith/run_${requireSafeId(runId, 'a run id').replace(/^run_(?=.)/, '')}`;
}

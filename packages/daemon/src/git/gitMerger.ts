import type { JsonValue } from '../agents/agentAdapter.js';
import type { MergeCallbacks, MergeLimits, MergeRequest, Merger, MergeVerdict } from '../agents/merger.js';
import type { TerminationReason } from '../process/processSpec.js';
import type { SupervisedProcess } from '../process/superviseProcess.js';
import { isContained, readCommit } from './askGit.js';
import { type AttemptRecord, readAttemptRecord } from './attemptRecord.js';
import { buildResult, type MergeStrategy } from './buildResult.js';
import { type CheckConfiguration, checkResult } from './checkResult.js';
import { cleanGitText } from './cleanGitText.js';
import type { CommitFacts } from './commitMessage.js';
import { describeConflict } from './describeConflict.js';
import { GitError } from './gitError.js';
import { findMergedWorkOf, listWork } from './mergedWork.js';
import { moveTarget } from './moveTarget.js';
import type { Repository } from './repository.js';
import { requireSamePrograms } from './requireSamePrograms.js';
import { findTargetCheckout } from './targetCheckout.js';
import { testMerge } from './testMerge.js';

export interface GitMergerConfiguration {
  readonly repository: Repository;
  readonly strategy: MergeStrategy;
  /** Null: what merges without conflict comes in. */
  readonly check: CheckConfiguration | null;
}

/** What the merge did, added to the task's output as `merge`. */
export interface MergeFacts {
  readonly branch: string;
  /** Null: the work changed nothing. */
  readonly commit: string | null;
  readonly strategy: MergeStrategy;
  /** It was in before, by a merger that could not tell any more. */
  readonly alreadyMerged: boolean;
}

/** How often the target may move away under us, each time with a check in between. */
const TRIES_MAX = 5;

/**
 * Brings the branch of an attempt into its target branch: tests the merge, builds the result, has it checked in a
 * checkout of its own, and then moves the target, if it still stands where it stood; otherwise again from there. Until
 * that last step nothing has happened, and after it the attempt is recognised by its trailers: killed at any point, it
 * is done once.
 *
 * Conflict and red are `failed`, with what the next attempt has to know; a target that must not be moved now, for
 * example since it is checked out with uncommitted changes, is `refused`, which is not the task's fault.
 */
export function createGitMerger(configuration: GitMergerConfiguration): Merger {
  return {
    name: 'git',
    async start(request, limits, callbacks) {
      const record = await readAttemptRecord(configuration.repository, request.attemptId);
      if (record === null) {
        throw new GitError(
          'ATTEMPT_UNKNOWN',
          `No worktree of ${configuration.repository.path} was made for the attempt ${request.attemptId}, so there is nothing to merge.`,
        );
      }
      const ending = createEnding();
      const finished = mergeAttempt(configuration, record, request, limits, callbacks, ending)
        .catch((error: unknown): MergeVerdict => judgeError(error))
        .then((verdict) => withoutSecrets(verdict, limits.secrets));
      return { finished, terminate: ending.end };
    },
  };
}

interface Ending {
  readonly end: (reason: TerminationReason, options?: { readonly graceMs?: number }) => void;
  isWanted(): boolean;
  watch(process: SupervisedProcess | null): void;
}

function createEnding(): Ending {
  let wanted: { reason: TerminationReason; graceMs: number | undefined } | null = null;
  let running: SupervisedProcess | null = null;
  const apply = (): void => {
    if (wanted === null) return;
    const { reason, graceMs } = wanted;
    void running?.terminate(reason, graceMs === undefined ? {} : { graceMs });
  };
  return {
    end(reason, options) {
      wanted = { reason: wanted?.reason ?? reason, graceMs: options?.graceMs };
      apply();
    },
    isWanted: () => wanted !== null,
    watch(process) {
      running = process;
      apply();
    },
  };
}

async function mergeAttempt(
  { repository, strategy, check }: GitMergerConfiguration,
  record: AttemptRecord,
  request: MergeRequest,
  limits: MergeLimits,
  callbacks: MergeCallbacks,
  ending: Ending,
): Promise<MergeVerdict> {
  const giveUpAt = performance.now() + limits.timeoutMs;
  const branch = record.targetBranch;
  const facts: CommitFacts = {
    taskId: record.taskId,
    attemptId: record.attemptId,
    runId: record.runId,
    agent: request.agent,
    title: readTitle(request.context),
  };
  const merged = (commit: string | null, alreadyMerged = false): MergeVerdict =>
    tellMerged(request.output, { branch, commit, strategy, alreadyMerged });

  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    if (ending.isWanted()) return { kind: 'terminated' };
    // Merge drivers and filters run from here on.
    await requireSamePrograms(repository, record);
    const tip = await readCommit(repository, `refs/heads/${record.branch}`);
    const target = await readCommit(repository, `refs/heads/${branch}`);
    if (target === null) {
      return refused(
        `The target branch ${branch} is gone. Make it again, or retry the task for another one.`,
      );
    }
    if (tip === null)
      return failed(`The branch ${record.branch} of the attempt is gone, and its work with it.`);
    if (tip === record.baseCommit) return merged(null);
    const present = await findPresent(repository, record, tip, target);
    if (present !== null) return merged(present, true);
    const foreign = await findForeignTrailers(repository, record, target, tip);
    if (foreign !== null) return failed(foreign);

    const test = await testMerge(repository, target, tip);
    if (test.kind === 'impossible') return failed(`It can't be merged into ${branch}: ${test.reason}`);
    if (test.kind === 'conflict')
      return failed(await describeConflict(repository, test, branch, limits.secrets));
    // Before the check, which may take long: nothing is gained by it when the target must not move.
    const before = await findTargetCheckout(repository, branch);
    if (before.kind === 'refused') return refused(before.reason);
    const result = await buildResult(repository, strategy, { record, facts, target, tip, tree: test.tree });
    if (check !== null) {
      const left = giveUpAt - performance.now();
      if (left <= 0)
        return failed(`The merge was given up after its time limit of ${limits.timeoutMs / 1_000} s.`);
      const verdict = await checkResult(repository, check, {
        record,
        commit: result,
        timeoutMs: left,
        limits,
        callbacks,
        onProcess: ending.watch,
      });
      if (verdict.kind === 'terminated') return { kind: 'terminated' };
      if (verdict.kind === 'red') return failed(verdict.error);
    }
    if (ending.isWanted() || !(await callbacks.mayStillMerge())) return { kind: 'terminated' };
    // The check may have taken long, with other agents at work.
    await requireSamePrograms(repository, record);
    const checkout = await findTargetCheckout(repository, branch);
    if (checkout.kind === 'refused') return refused(checkout.reason);
    const move = await moveTarget(repository, {
      branch,
      from: target,
      to: result,
      checkout,
      reason: `neolith: merge ${record.attemptId}`,
    });
    if (move.kind === 'moved') return merged(result);
    if (move.kind === 'refused') return refused(move.reason);
    callbacks.onWarning(`${branch} moved while the merge was prepared; it is prepared again`);
  }
  return refused(
    `${branch} moved ${TRIES_MAX} times while the merge was prepared. Try again when less is going on.`,
  );
}

/** The commit by which the work is in the target already, or null. */
async function findPresent(
  repository: Repository,
  record: AttemptRecord,
  tip: string,
  target: string,
): Promise<string | null> {
  if (await isContained(repository, tip, target)) return tip;
  const found = await findMergedWorkOf(repository, record);
  return found.find((work) => work.source === tip)?.commit ?? null;
}

/** A commit that says to be another attempt's would pass that one off as merged. */
async function findForeignTrailers(
  repository: Repository,
  record: AttemptRecord,
  target: string,
  tip: string,
): Promise<string | null> {
  const works = await listWork(repository, `${target}..${tip}`);
  // What was committed there by attempts that had the place before goes with it.
  const own = [record.attemptId, ...record.earlierAttemptIds];
  const foreign = works.find(
    (work) =>
      work.source !== null ||
      !own.includes(work.attemptId) ||
      (work.taskId !== '' && work.taskId !== record.taskId),
  );
  if (foreign === undefined) return null;
  return `The commit ${foreign.commit} on ${record.branch} says by its Neolith trailers to be work of another attempt, so the branch is not merged. Commit without such trailers, and don't take commits from other attempts' branches.`;
}

function failed(error: string): MergeVerdict {
  return { kind: 'failed', error };
}

function refused(error: string): MergeVerdict {
  return { kind: 'refused', error };
}

/** What git and the check say names files, and shows their lines. */
function withoutSecrets(verdict: MergeVerdict, secrets: readonly string[]): MergeVerdict {
  return 'error' in verdict ? { ...verdict, error: cleanGitText(verdict.error, secrets) } : verdict;
}

function judgeError(error: unknown): MergeVerdict {
  const text = error instanceof Error ? error.message : String(error);
  return error instanceof GitError && error.failureClass === 'task'
    ? failed(text)
    : refused(`The merge could not be done: ${text}`);
}

function tellMerged(output: JsonValue, facts: MergeFacts): MergeVerdict {
  const merge: JsonValue = { ...facts };
  if (output === null) return { kind: 'merged', output: { merge } };
  if (typeof output !== 'object' || Array.isArray(output)) return { kind: 'merged' };
  return { kind: 'merged', output: { ...output, merge } };
}

function readTitle(context: JsonValue): string {
  if (typeof context !== 'object' || context === null || Array.isArray(context)) return '';
  const { task } = context;
  if (typeof task !== 'object' || task === null || Array.isArray(task)) return '';
  return typeof task.title === 'string' ? task.title : '';
}

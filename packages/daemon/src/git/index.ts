export { type AdoptInput, adoptWorktree } from './adoptWorktree.js';
export {
  type AttemptRecord,
  handOffWorktree,
  listAttemptRecords,
  readAttemptRecord,
  releaseWorktree,
  takeBackWorktree,
} from './attemptRecord.js';
export type { MergeStrategy } from './buildResult.js';
export { checkBeforeRun } from './checkBeforeRun.js';
export type { CheckConfiguration } from './checkResult.js';
export {
  applyCleanup,
  type CleanupInput,
  type CleanupPlan,
  type CleanupReport,
  type KeptItem,
  planCleanup,
  type RemovableItem,
  removeWorktree,
} from './cleanup.js';
export type { CommitFacts } from './commitMessage.js';
export { commitWork } from './commitWork.js';
export { hasGitCode } from './gitError.js';
export { createGitMerger, type GitMergerConfiguration, type MergeFacts } from './gitMerger.js';
export type { KeptReason } from './keptReasons.js';
export { type MakeWorktreeInput, makeWorktree } from './makeWorktree.js';
export { findMergedWork, type MergedWork } from './mergedWork.js';
export { nameRunBranch } from './names.js';
export { type OpenRepositoryInput, openRepository, readGitVersion } from './openRepository.js';
export { type PruneOptions, pruneResults } from './pruneResults.js';
export type { AttemptWorktree, CommittedWork, GitIdentity, Repository } from './repository.js';
export { resolveTarget, type Target, type TargetInput } from './resolveTarget.js';
export {
  type CachedResult,
  type CacheLookup,
  computeCacheKey,
  forgetResult,
  lookUpResult,
  type ReusedFrom,
  type ReusedWork,
  reuseResult,
  storeResult,
} from './resultCache.js';
export { nameSupersededRef, supersedeAttempts } from './supersede.js';

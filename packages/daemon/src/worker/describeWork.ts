import type { AttemptWorktree, CommittedWork } from '../git/repository.js';
import type { AttemptOutcome } from './describeOutcome.js';

/** The server's limit. */
const ARTIFACTS_MAX = 100;

/** Adds to an outcome what the agent changed: an artifact of type `git`, and the same in its metrics. Pure. */
export function describeWork(
  outcome: AttemptOutcome,
  work: CommittedWork | null,
  worktree: AttemptWorktree | null,
): AttemptOutcome {
  if (outcome.kind !== 'complete' || work === null) return outcome;
  const git = {
    ...work,
    ...(worktree === null ? {} : { branch: worktree.branch, baseCommit: worktree.baseCommit }),
  };
  return {
    kind: 'complete',
    body: {
      ...outcome.body,
      artifacts: [
        ...(outcome.body.artifacts ?? []).slice(0, ARTIFACTS_MAX - 1),
        { type: 'git', content: JSON.stringify(git) },
      ],
      metrics: { ...outcome.body.metrics, git },
    },
  };
}

import type { GitIdentity } from './repository.js';

export function committerVariables(identity: GitIdentity): Record<string, string> {
  return { GIT_COMMITTER_NAME: identity.name, GIT_COMMITTER_EMAIL: identity.email };
}

/** Author and committer, whatever git is configured for. */
export function identityVariables(identity: GitIdentity): Record<string, string> {
  return {
    ...committerVariables(identity),
    GIT_AUTHOR_NAME: identity.name,
    GIT_AUTHOR_EMAIL: identity.email,
  };
}

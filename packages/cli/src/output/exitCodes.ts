import { isNeolithError } from '@neolith/contracts';
import {
  AgentError,
  AgentsConfigError,
  AskError,
  type AskErrorCode,
  CoordinatorError,
  DaemonError,
  GitError,
  type GitErrorCode,
  RouterConfigError,
} from '@neolith/daemon/errors';
import { CommandError } from './commandError.js';

/** What scripts may rely on. The last ones tell how a run ended that was executed or watched. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  runFailed: 5,
  runQuarantined: 6,
  runCancelled: 7,
  /** To an agent that asked for resources: these, and the attempt that is over in one way or the other. */
  resourceInUse: 8,
  gaveWay: 9,
  attemptOver: 10,
  interrupted: 130,
} as const;

/** What was named, or the state that it is in; the rest is the machine's fault. */
const GIT_EXITS: Partial<Record<GitErrorCode, number>> = {
  NOT_A_REPOSITORY: EXIT.notFound,
  TARGET_NOT_FOUND: EXIT.notFound,
  NAME_INVALID: EXIT.usage,
  REPOSITORY_BARE: EXIT.usage,
  REPOSITORY_EMPTY: EXIT.conflict,
  TARGET_UNUSABLE: EXIT.conflict,
  OPERATION_IN_PROGRESS: EXIT.conflict,
  REPOSITORY_BUSY: EXIT.conflict,
  REPOSITORY_LOCKED: EXIT.conflict,
};

const ASK_EXITS: Partial<Record<AskErrorCode, number>> = {
  INVALID_INPUT: EXIT.usage,
  RESOURCE_DEADLOCK: EXIT.gaveWay,
  LEASE_LOST: EXIT.attemptOver,
};

/** The exit code that says what kind of error it was. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommandError) return EXIT[error.kind];
  if (error instanceof AgentError && ['AGENT_UNKNOWN', 'AGENT_CONFIGURATION_INVALID'].includes(error.code))
    return EXIT.usage;
  if (error instanceof AgentsConfigError || error instanceof RouterConfigError) return EXIT.usage;
  if (error instanceof DaemonError && error.code === 'NAME_IN_USE') return EXIT.conflict;
  if (error instanceof CoordinatorError && ['CHANNEL_NOT_FOUND', 'TASK_NOT_IN_PLAN'].includes(error.code))
    return EXIT.notFound;
  if (error instanceof GitError) return GIT_EXITS[error.code] ?? EXIT.failed;
  if (error instanceof AskError) return ASK_EXITS[error.code] ?? EXIT.failed;
  if (!isNeolithError(error)) return EXIT.failed;
  if (error.status === 404) return EXIT.notFound;
  return error.status === 409 ? EXIT.conflict : EXIT.failed;
}

import { isNeolithError } from '@neolith/contracts';
import { AgentError, AgentsConfigError, CoordinatorError, DaemonError } from '@neolith/daemon';
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
  interrupted: 130,
} as const;

/** The exit code that says what kind of error it was. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommandError) return EXIT[error.kind];
  if (error instanceof AgentError && ['AGENT_UNKNOWN', 'AGENT_CONFIGURATION_INVALID'].includes(error.code))
    return EXIT.usage;
  if (error instanceof AgentsConfigError) return EXIT.usage;
  if (error instanceof DaemonError && error.code === 'NAME_IN_USE') return EXIT.conflict;
  if (error instanceof CoordinatorError && error.code === 'CHANNEL_NOT_FOUND') return EXIT.notFound;
  if (!isNeolithError(error)) return EXIT.failed;
  if (error.status === 404) return EXIT.notFound;
  return error.status === 409 ? EXIT.conflict : EXIT.failed;
}

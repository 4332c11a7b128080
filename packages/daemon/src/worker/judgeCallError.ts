import { isNeolithError, type NeolithError } from '@neolith/contracts';

export type CallErrorKind =
  /** No answer, or one that says "later": the same call again may succeed. */
  | 'away'
  /** The server failed at this very call; again, but not for ever. */
  | 'faulty'
  /** The token is not taken; it may be again when its file was renewed. */
  | 'unauthorised'
  /** The attempt no longer owns its task. */
  | 'lost'
  /** The answer is no, and will be again. */
  | 'refused';

/** What an error of a call means for repeating it. Pure. */
export function judgeCallError(error: unknown): CallErrorKind {
  if (!isNeolithError(error)) return 'faulty';
  switch (error.code) {
    case 'SERVER_UNREACHABLE':
    case 'DATABASE_UNAVAILABLE':
    case 'OVERLOADED':
    case 'RATE_LIMITED':
    case 'IDEMPOTENCY_KEY_IN_USE':
      return 'away';
    case 'INTERNAL':
      return 'faulty';
    case 'UNAUTHENTICATED':
    case 'FORBIDDEN':
      return 'unauthorised';
    case 'LEASE_LOST':
    case 'ATTEMPT_NOT_FOUND':
    case 'TASK_NOT_FOUND':
      return 'lost';
    default:
      return 'refused';
  }
}

/** Seconds that the server asked to wait, or null. */
export function retryAfterOf(error: unknown): number | null {
  if (!isNeolithError(error)) return null;
  const value = (error as NeolithError).details.retryAfterSeconds;
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : null;
}

export function describeError(error: unknown): { code: string; error: string } {
  if (isNeolithError(error)) return { code: error.code, error: error.message };
  return { code: 'UNEXPECTED', error: error instanceof Error ? error.message : String(error) };
}

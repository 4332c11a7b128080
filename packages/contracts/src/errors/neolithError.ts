import { ERROR_STATUS, type ErrorCode } from './codes.js';

/** What else a caller can use: the field that was wrong, the path of a cycle, the task that is meant. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/**
 * The one error of the engine, the API and the client. `code` is stable and decides the HTTP status; `message` names
 * the thing and the remedy; `cause` keeps what led to it.
 */
export class NeolithError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: { details?: ErrorDetails; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'NeolithError';
    this.code = code;
    this.details = options.details ?? {};
  }

  get status(): number {
    return ERROR_STATUS[this.code];
  }
}

/** True also for an error of another copy of this package, which `instanceof` would miss. */
export function isNeolithError(error: unknown): error is NeolithError {
  return error instanceof Error && error.name === 'NeolithError' && 'code' in error;
}

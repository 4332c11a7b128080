export const ASK_ERROR_STATUS = {
  /** The request can't be understood. */
  INVALID_INPUT: 400,
  /** There is only POST /resources. */
  NOT_FOUND: 404,
  /** The attempt gave way in a deadlock: it is over, and its agent is ended. */
  RESOURCE_DEADLOCK: 409,
  /** The attempt is over. */
  LEASE_LOST: 409,
  /** The server can't be asked, or refused. */
  UNAVAILABLE: 503,
} as const;
export type AskErrorCode = keyof typeof ASK_ERROR_STATUS;

/** What an agent is told instead of an answer. */
export class AskError extends Error {
  override readonly name = 'AskError';
  constructor(
    readonly code: AskErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export type DaemonErrorCode = 'NAME_IN_USE' | 'DIRECTORY_UNUSABLE' | 'STOPPED_WHILE_STARTING';

/** A daemon can't start; the message says what to change. */
export class DaemonError extends Error {
  override readonly name = 'DaemonError';
  constructor(
    readonly code: DaemonErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

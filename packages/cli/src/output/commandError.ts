/** A command can't do what it was asked; the message says what to change. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  constructor(
    readonly kind: 'usage' | 'notFound' | 'conflict' | 'failed' | 'interrupted',
    /** Stable, for scripts. */
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

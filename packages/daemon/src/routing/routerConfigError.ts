export type RouterConfigErrorCode = 'ROUTER_CONFIG_INVALID' | 'ROUTER_CONFIG_UNREADABLE';

/** A routing configuration can't be used; the message names the file, the place in it and what to change. */
export class RouterConfigError extends Error {
  override readonly name = 'RouterConfigError';
  constructor(
    readonly code: RouterConfigErrorCode,
    message: string,
    /** Each place that is wrong, in the order of the file. */
    readonly problems: readonly { readonly path: string; readonly message: string }[] = [],
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

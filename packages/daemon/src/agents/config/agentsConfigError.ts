import type { ConfigProblem } from '../describeConfigIssue.js';

export type AgentsConfigErrorCode =
  | 'AGENTS_CONFIG_INVALID'
  | 'AGENTS_CONFIG_UNREADABLE'
  /** Somebody else could have written it, or reads what is secret in it. */
  | 'AGENTS_CONFIG_UNSAFE';

/** The operator's settings for agents can't be used; the message names the file, the place in it and what to change. */
export class AgentsConfigError extends Error {
  override readonly name = 'AgentsConfigError';
  constructor(
    readonly code: AgentsConfigErrorCode,
    message: string,
    /** Each place that is wrong, in the order of the file. */
    readonly problems: readonly ConfigProblem[] = [],
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

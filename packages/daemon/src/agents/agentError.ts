export type AgentErrorCode =
  | 'AGENT_UNKNOWN'
  | 'AGENT_NOT_CONFIGURED'
  | 'AGENT_NOT_FOUND'
  | 'AGENT_CONFIGURATION_INVALID'
  | 'ATTEMPT_DIRECTORY_UNUSABLE';

/** An agent can't be started; the message says what to change. */
export class AgentError extends Error {
  override readonly name = 'AgentError';
  constructor(
    readonly code: AgentErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export type CoordinatorErrorCode =
  | 'PLAN_TOO_LARGE'
  | 'CHANNEL_NOT_FOUND'
  | 'TASKS_UNASSIGNED'
  | 'TASK_NOT_IN_PLAN'
  | 'ALREADY_EXECUTING'
  | 'NOTHING_EXECUTED'
  | 'TIMED_OUT'
  | 'AGENT_NOT_SPAWNED';

/** A plan can't be executed; the message says what to change. */
export class CoordinatorError extends Error {
  override readonly name = 'CoordinatorError';
  constructor(
    readonly code: CoordinatorErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

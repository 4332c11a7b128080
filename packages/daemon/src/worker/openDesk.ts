import { COMMAND_VARIABLE, SOCKET_VARIABLE } from '../asking/protocol.js';
import { serveAttempt } from '../asking/serveAttempt.js';
import { callUntilAnswered } from './callUntilAnswered.js';
import type { TaskDependencies } from './doTask.js';
import { describeError } from './judgeCallError.js';

/** Where the agent of one attempt may ask while it works. */
export interface Desk {
  /** What tells the agent. */
  readonly environment: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/**
 * Opens it. Null where there is none: the agent does its task as agents did that could not ask, and what the task declares
 * it has all the same.
 */
export async function openDesk(
  deps: Pick<TaskDependencies, 'client' | 'sockets' | 'log' | 'signal'>,
  ids: { readonly taskId: string; readonly attemptId: string },
  onOver: (reason: 'gave_way' | 'lease_lost') => void,
): Promise<Desk | null> {
  const { sockets, log } = deps;
  if (sockets === null) return null;
  const socketPath = sockets.newPath();
  // Of this attempt alone: on Node 20 a long-lived signal keeps every signal that was ever made from it.
  const farewell = new AbortController();
  const abort = () => farewell.abort(deps.signal.reason);
  deps.signal.addEventListener('abort', abort, { once: true });
  try {
    const served = await serveAttempt({
      socketPath,
      client: deps.client,
      attemptId: ids.attemptId,
      signal: farewell.signal,
      repeat: (what, call, signal) =>
        callUntilAnswered(call, {
          signal,
          onRetry: (error, failures, delayMs) =>
            log.warn(`${what} did not reach the server; trying again`, {
              ...ids,
              failures,
              delayMs,
              ...describeError(error),
            }),
        }),
      onGaveWay: (message) => {
        log.warn('The attempt gave way to others; ending its agent', { ...ids, reason: message });
        onOver('gave_way');
      },
      onLost: () => {
        log.warn('The task is no longer ours; ending its agent', ids);
        onOver('lease_lost');
      },
    });
    return {
      environment: { [SOCKET_VARIABLE]: socketPath, [COMMAND_VARIABLE]: sockets.command },
      async close() {
        await served.close();
        deps.signal.removeEventListener('abort', abort);
      },
    };
  } catch (error) {
    deps.signal.removeEventListener('abort', abort);
    log.warn('Agents can not ask for resources here', { ...ids, ...describeError(error) });
    return null;
  }
}

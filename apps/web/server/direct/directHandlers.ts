import { endpoints } from '@neolith/contracts';
import { claimWithContexts } from '../claimWithContexts';
import { completeTogether } from '../completeTogether';
import { type Handler, handle } from '../http/handle';
import { followControl } from '../streams/followControl';
import { followEvents } from '../streams/followEvents';

/**
 * The calls that daemons make all the time, and the streams: these are answered without Next's router, whose share of
 * a small call is several times the call's own. Their route files export the very same handlers.
 */
export const directHandlers = {
  claimTasks: handle(endpoints.claimTasks, claimWithContexts),
  completeTask: handle(endpoints.completeTask, ({ engine, input }) =>
    engine.completeTask(input.params.id, input.body),
  ),
  completeTasks: handle(endpoints.completeTasks, completeTogether),
  updateTaskProgress: handle(endpoints.updateTaskProgress, ({ engine, input }) =>
    engine.updateTaskProgress({ taskId: input.params.id, ...input.body }),
  ),
  appendAttemptLog: handle(endpoints.appendAttemptLog, ({ engine, input }) =>
    engine.appendAttemptLog(input.params.id, input.body),
  ),
  renewLease: handle(endpoints.renewLease, ({ engine, input }) => engine.renewLease(input.params.id)),
  daemonHeartbeat: handle(endpoints.daemonHeartbeat, async ({ engine, input }) => ({
    renewals: await engine.heartbeatDaemon(input.params.id, input.body),
  })),
  followEvents: handle(endpoints.followEvents, followEvents),
  followControl: handle(endpoints.followControl, followControl),
} as const satisfies Record<string, Handler>;

import {
  type ControlMessage,
  type EngineEvent,
  type endpoints,
  formatId,
  NeolithError,
  parseId,
} from '@neolith/contracts';
import type { Database } from '@neolith/database';
import type { Answer, Call } from '../http/handle';
import { aborted, eventStream, frame } from './eventStream';

type CancelMessage = Extract<ControlMessage, { type: 'cancel' }>;

/** The cancels that were requested of a daemon's live attempts and are not confirmed yet. */
async function requestedCancels(
  { prisma }: Pick<Database, 'prisma'>,
  where: { workspaceId: string; daemonId: string },
): Promise<CancelMessage[]> {
  const leases = await prisma.lease.findMany({
    where: { ...where, cancelRequestedAt: { not: null } },
    orderBy: { taskId: 'asc' },
  });
  return leases.map((lease) => ({
    type: 'cancel',
    attemptId: formatId('attempt', lease.attemptId),
    taskId: formatId('task', lease.taskId),
    reason: lease.cancelReason,
  }));
}

/**
 * What a daemon must be told at once: cancels of its live attempts, first those that were requested while it was not
 * listening, then each as it is requested. None may be missed in
 * between, so it is subscribed before the standing ones are read.
 */
export async function followControl({
  engine,
  database,
  principal,
  input,
  request,
}: Call<typeof endpoints.followControl>): Promise<Answer<typeof endpoints.followControl>> {
  const { workspaceId } = principal;
  const daemonId = parseId('daemon', input.params.id);
  const daemon =
    daemonId === null
      ? null
      : await database.prisma.daemon.findFirst({ where: { id: daemonId, workspaceId } });
  if (daemon === null) throw new NeolithError('DAEMON_NOT_FOUND', `Daemon not found: ${input.params.id}`);

  return eventStream(request, async (writer) => {
    const told = new Set<string>();
    const tell = (messages: readonly CancelMessage[]) => {
      const news = messages.filter((message) => !told.has(message.attemptId));
      for (const message of news) {
        told.add(message.attemptId);
        writer.send(frame({ data: JSON.stringify(message) }));
      }
    };
    const mayBeOurs = (event: EngineEvent) =>
      event.type === 'task.cancel_requested' &&
      (event.daemonId === null || parseId('daemon', event.daemonId) === daemon.id);
    let failed: (error: unknown) => void = () => undefined;
    const failure = new Promise<never>((_, reject) => {
      failed = reject;
    });
    const read = async () => tell(await requestedCancels(database, { workspaceId, daemonId: daemon.id }));
    const subscription = await engine.events.subscribe({
      workspaceId,
      onEvents: (events) => {
        // The event says that something is to be told; the lease says what, and whether it still is.
        if (events.some(mayBeOurs)) read().catch(failed);
      },
    });
    try {
      await read();
      await Promise.race([aborted(writer.signal), failure]);
    } finally {
      subscription.stop();
    }
  });
}

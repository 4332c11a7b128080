import type { Json } from '@neolith/contracts';
import type { Database } from '@neolith/database';

type Writer = Pick<Database['prisma'], '$executeRaw'>;

/** Appends one event that is not about a task. */
export async function tellWorkspace(
  writer: Writer,
  event: {
    workspaceId: string;
    orchestratorId?: string;
    daemonId?: string;
    type: string;
    actor: string;
    now: Date | null;
    from?: string;
    to?: string;
    data?: Record<string, Json>;
  },
): Promise<void> {
  await writer.$executeRaw`
    INSERT INTO events (workspace_id, orchestrator_id, daemon_id, at, type, actor, "from", "to", data)
    VALUES (${event.workspaceId}::uuid, ${event.orchestratorId ?? null}::uuid, ${event.daemonId ?? null}::uuid,
            engine_now(${event.now}::timestamptz), ${event.type}, ${event.actor}, ${event.from ?? null}, ${event.to ?? null},
            ${event.data === undefined ? null : JSON.stringify(event.data)}::jsonb)`;
}
